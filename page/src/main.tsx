// Starts the page.

import { render } from "preact";

import "./styles/index.css";
import { App } from "./app";
import { keepTransferring } from "./state/clip";
import { startKey } from "./state/key";
import { startLimits } from "./state/limits";
import { startRequests } from "./state/request";

startKey();
startLimits();
keepTransferring();
startRequests();
render(<App />, document.getElementById("app")!);
