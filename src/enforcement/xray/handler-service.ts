/**
 * Taking users out of a running engine and putting them back.
 *
 * The engine answers every fault with UNKNOWN and a sentence, so the sentences
 * are what is told apart (facts: xray 4.1, the same ones Marzban keys on).
 */
import type { UserName } from "../../names.ts";
import {
  decodeMessage,
  detailsOf,
  encodeMessage,
  isUnimplemented,
  type Session,
} from "../../sources/xray/session.ts";
import { milliseconds } from "../../units.ts";
import { type Dialect, typedMessage } from "./user-message.ts";

const DEADLINE = milliseconds(5_000);

type Refusal = "no-such-inbound" | "no-user-manager" | "no-handler-service";
export type RemoveResult = "removed" | "absent" | Refusal;
export type AddResult = "added" | "present" | Refusal;

/** @throws when the engine gave no answer, or one that is none of the known refusals. */
export async function removeUser(
  session: Session,
  dialect: Dialect,
  tag: string,
  user: UserName,
): Promise<RemoveResult> {
  const operation = typedMessage(dialect, "app.proxyman.command.RemoveUserOperation", "RemoveUserOperation", {
    email: user,
  });
  const refused = await alter(session, tag, operation, /not found\.?$/);
  return refused === undefined ? "removed" : refused === "expected" ? "absent" : refused;
}

/** @param message the bytes of protocol.User. @throws as `removeUser`. */
export async function addUser(
  session: Session,
  dialect: Dialect,
  tag: string,
  message: Uint8Array,
): Promise<AddResult> {
  const user = decodeMessage<object>("User", message);
  const operation = typedMessage(dialect, "app.proxyman.command.AddUserOperation", "AddUserOperation", {
    user,
  });
  const refused = await alter(session, tag, operation, /already exists\.?$/);
  return refused === undefined ? "added" : refused === "expected" ? "present" : refused;
}

/** @returns undefined when done, "expected" for the refusal that `harmless` describes. */
async function alter(
  session: Session,
  tag: string,
  operation: object,
  harmless: RegExp,
): Promise<Refusal | "expected" | undefined> {
  try {
    await session.call("HandlerService", "AlterInbound", { tag, operation }, DEADLINE);
    return undefined;
  } catch (error) {
    if (isUnimplemented(error)) return "no-handler-service";
    const text = detailsOf(error);
    if (/handler not found/.test(text)) return "no-such-inbound";
    if (/not a UserManager/.test(text)) return "no-user-manager";
    if (harmless.test(text)) return "expected";
    throw error;
  }
}

/** The tags of all inbounds; undefined where the engine cannot list them (Xray before 25.6.7, V2Ray). */
export async function listInboundTags(session: Session): Promise<readonly string[] | undefined> {
  try {
    const answer = await session.call<{ inbounds: readonly { tag: string }[] }>(
      "HandlerService",
      "ListInbounds",
      { isOnlyTags: true },
      DEADLINE,
    );
    return answer.inbounds.map(({ tag }) => tag).filter((tag) => tag !== "");
  } catch (error) {
    if (isUnimplemented(error)) return undefined;
    throw error;
  }
}

/** The users of an inbound with their own messages; undefined where the engine cannot list them. */
export async function listUsers(
  session: Session,
  tag: string,
): Promise<ReadonlyMap<UserName, Uint8Array> | undefined> {
  try {
    const answer = await session.call<{ users: readonly { email: string }[] }>(
      "HandlerService",
      "GetInboundUsers",
      { tag, email: "" },
      DEADLINE,
    );
    return new Map(
      answer.users
        .filter(({ email }) => email !== "")
        .map((user) => [user.email as UserName, encodeMessage("User", user)] as const),
    );
  } catch (error) {
    const text = detailsOf(error);
    if (isUnimplemented(error) || /not a UserManager|handler not found/.test(text)) return undefined;
    throw error;
  }
}
