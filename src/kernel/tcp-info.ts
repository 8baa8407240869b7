/**
 * What the kernel says of one TCP connection's progress: struct tcp_info of
 * include/uapi/linux/tcp.h.
 *
 *   options(1, at byte 5)  bytes acknowledged(8, at 120)  bytes received(8, at 128)
 *
 * The struct grows at its end; these two counts came with Linux 4.1, and a
 * shorter one leaves them undefined.
 *
 * Pure: no I/O, no state.
 */
import { type Bytes, bytes } from "../units.ts";
import type { FlowFigures } from "./sockets.ts";

const OPTIONS = 5;
const BYTES_ACKNOWLEDGED = 120;
const BYTES_RECEIVED = 128;
/** TCPI_OPT_TIMESTAMPS */
const TIMESTAMPS = 1;

/** @param info undefined for a socket that is not open yet: the kernel has none to show. */
export function decodeTcpInfo(
  info: Buffer | undefined,
): Pick<FlowFigures, "acknowledged" | "received" | "timestamps"> {
  return {
    acknowledged: countAt(info, BYTES_ACKNOWLEDGED),
    received: countAt(info, BYTES_RECEIVED),
    timestamps: info !== undefined && info.length > OPTIONS && (info.readUInt8(OPTIONS) & TIMESTAMPS) !== 0,
  };
}

function countAt(info: Buffer | undefined, offset: number): Bytes | undefined {
  if (info === undefined || info.length < offset + 8) return undefined;
  return bytes(Number(info.readBigUInt64LE(offset)));
}
