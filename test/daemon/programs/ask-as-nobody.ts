/** Asks the enforcer at a socket whose a flow is, as the user nobody, and prints what came of it. */
import { connectJsonLines, JsonLines } from "../../../src/json-lines.ts";
import { becomeNobody } from "../../kernel/programs/nobody.ts";

const [path = ""] = process.argv.slice(2);
becomeNobody();
const conversation = new JsonLines(
  await connectJsonLines(path),
  (answer) => console.log(JSON.stringify(answer)),
  () => console.log("closed without an answer"),
);
conversation.send({ whose: [[7, "tcp", "127.0.0.1", 2, "8.8.8.8", 443]] });
