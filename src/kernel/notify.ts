/**
 * Tells systemd how the daemon is doing (sd_notify(3)): one datagram per
 * message to the unix socket named in NOTIFY_SOCKET. Node has no unix datagrams,
 * and the `systemd-notify` program would need NotifyAccess=all.
 */
import { checked, libc, uninterrupted } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
/** `sun_path` in struct sockaddr_un; a path ends with a NUL inside it. */
const LONGEST_PATH = 108;

/**
 * @param state lines of "KEY=value", as "READY=1" or "WATCHDOG=1".
 * @param socketPath the value of NOTIFY_SOCKET; a leading "@" means the abstract namespace.
 * @param wait false for what may be lost: a systemd that is busy would hold up the caller until it reads.
 * @returns false when there is nobody to tell: the daemon was not started by systemd with Type=notify.
 * @throws {KernelUnavailableError} without koffi.
 * @throws {RangeError} for a path that is neither absolute nor abstract, or too long.
 * @throws {SystemCallError} when systemd's socket does not take the message: EAGAIN for one that may be lost, and is.
 */
export function notifySystemd(state: string, socketPath: string | undefined, wait = true): boolean {
  if (socketPath === undefined || socketPath === "") return false;
  const address = addressOf(socketPath);
  const action = `Cannot tell systemd at "${socketPath}" that ${JSON.stringify(state)}`;
  const calls = libc();
  const descriptor = checked(calls, calls.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), action);
  try {
    const data = Buffer.from(state);
    const flags = wait ? MSG_NOSIGNAL : MSG_NOSIGNAL | MSG_DONTWAIT;
    const send = () => calls.sendto(descriptor, data, data.length, flags, address, address.length);
    uninterrupted(calls, send, action);
    return true;
  } finally {
    calls.close(descriptor);
  }
}

/** family(2), then the path and a NUL; an abstract name follows a NUL and is as long as the address says. */
function addressOf(socketPath: string): Buffer {
  const abstract = socketPath.startsWith("@");
  const path = Buffer.from(abstract ? `\0${socketPath.slice(1)}` : `${socketPath}\0`);
  if ((!abstract && !socketPath.startsWith("/")) || path.length > LONGEST_PATH) {
    throw new RangeError(
      `Cannot notify systemd at "${socketPath}": expected an absolute path or "@" and a name, at most ${LONGEST_PATH - 1} bytes`,
    );
  }
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, path]);
}
