/**
 * The drop-in for OpenVPN's units: denied users are known before the first
 * client comes, and the management socket's folder is there.
 *
 * Pure: no clock, no I/O.
 */

/** Where setup puts management sockets. The sockets are open to all, whatever the umask, so the folder is not. */
export const SOCKET_FOLDER = "/run/openvpn-sluice";
export const SOCKET_FOLDER_MODE = 0o750;

/** "openvpn-server@.service" of "openvpn-server@one.service": one drop-in does for all instances. */
export function templateOf(unit: string): string {
  return unit.replace(/@[^@]*\.service$/, "@.service");
}

export function unitDropIn(): string {
  return `# Written by Sluice (sluice openvpn setup), and replaced by it; sluice openvpn setup --undo takes it away.
[Unit]
# Who is denied stands in the hook's folder, and gates in the kernel, before the first client comes in.
# A wish, no requirement: the server starts without Sluice too.
After=sluice-gates.service
Wants=sluice-gates.service

[Service]
# The management socket itself is open to everybody (0777), whatever the umask says: its folder is not. Not
# RuntimeDirectory=, whose mode would be that of the unit's other folders too, and which goes with one instance's stop.
ExecStartPre=-+/bin/mkdir -p -m ${SOCKET_FOLDER_MODE.toString(8).padStart(4, "0")} ${SOCKET_FOLDER}
`;
}
