/** Where the page begins in the browser. */
import "./style.css";
import { render } from "preact";
import { findOutWhoIsSignedIn } from "./session.ts";
import { Shell } from "./shell.tsx";
import { applyTheme } from "./theme.ts";

applyTheme();
void findOutWhoIsSignedIn();
const place = document.getElementById("page");
if (place) render(<Shell />, place);
