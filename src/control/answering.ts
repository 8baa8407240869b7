/** How a question over gRPC is answered: our errors' codes travel in the details, in front of the message. */
import { callbackify } from "node:util";
import {
  status as code,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { codeOf, reasonOf } from "../errors.ts";

/** gRPC statuses by our errors' codes. */
const STATUS: Readonly<Record<string, code>> = {
  UNKNOWN_USER: code.NOT_FOUND,
  REFUSED: code.FAILED_PRECONDITION,
  UNREACHABLE: code.UNAVAILABLE,
};

export function unary<Request, Answer>(
  answer: (request: Request) => Promise<Answer>,
): handleUnaryCall<Request, Answer> {
  return callbackify(async (call: ServerUnaryCall<Request, Answer>): Promise<Answer> => {
    try {
      return await answer(call.request);
    } catch (error) {
      throw asServiceError(error);
    }
  }) as unknown as handleUnaryCall<Request, Answer>; // the two type the error differently
}

/** Sends each part as fast as the other side takes them. */
export async function stream<Request, Part extends object>(
  parts: AsyncIterable<Part>,
  call: ServerDuplexStream<Request, Part> | ServerWritableStream<Request, Part>,
): Promise<void> {
  try {
    for await (const part of parts) {
      if (call.cancelled || call.destroyed) return;
      if (!call.write(part))
        await new Promise((resolve) => call.once("drain", resolve).once("close", resolve));
    }
    call.end();
  } catch (error) {
    refuse(call, error);
  }
}

/** Ends a stream with an error. To destroy it would send nothing: the other side would wait for ever. */
export function refuse(call: Pick<ServerDuplexStream<unknown, unknown>, "emit">, error: unknown): void {
  call.emit("error", asServiceError(error));
}

function asServiceError(error: unknown): Error {
  const known =
    codeOf(error) ?? (error instanceof RangeError || error instanceof SyntaxError ? "REFUSED" : "FAILED");
  const details = `${known} ${reasonOf(error)}`;
  return Object.assign(new Error(reasonOf(error)), { code: STATUS[known] ?? code.UNKNOWN, details });
}
