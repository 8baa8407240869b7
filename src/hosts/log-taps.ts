/**
 * What logs tell of hosts: engines' access logs, nginx's, and who logged in from where.
 *
 * An access log is where clients go (outbound); nginx's is what they come with
 * (inbound). A log that only root may read comes line by line from the enforcer.
 */
import { accessSync, constants } from "node:fs";
import type { HostsSettings } from "../config-parts.ts";
import { codeOf } from "../errors.ts";
import { parseAccessLine } from "../logs/access-log.ts";
import type { LoginLine } from "../logs/login-line.ts";
import { type UserName, userName } from "../names.ts";
import type { UnixTime } from "../units.ts";
import type { TapStatus } from "./capture-desk.ts";
import type { EnforcerLine } from "./enforcer-line.ts";
import { accessSighting, serviceOfProtocol } from "./logs/access-sighting.ts";
import { clientAddress } from "./logs/client-address.ts";
import type { NamedAddresses } from "./named-addresses.ts";
import type { Sighting } from "./sighting.ts";
import { LogTap } from "./taps/log-tap.ts";
import type { Whereabouts } from "./whereabouts.ts";
