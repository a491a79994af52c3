// Starts the page.

import { render } from "preact";

import "./styles/index.css";
import { App } from "./app";
import { keepTransferring } from "./state/clip";
import { startKey } from "./state/key";
import { startRequests } from "./state/request";

startKey();
keepTransferring();
startRequests();
render(<App />, document.getElementById("app")!);
