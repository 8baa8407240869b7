/** Arguments: a path, and "nobody" to connect as him. Stays connected until killed. */
import { connect } from "node:net";
import { becomeNobody } from "./nobody.ts";

if (process.argv[3] === "nobody") becomeNobody();
connect(process.argv[2] ?? "");
