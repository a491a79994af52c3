// What happens to a request, as the server tells it. EventSource cannot send the key, so the stream
// of server-sent events is read from a fetch.

import { ROOT } from "./client";
import type { RequestRecord } from "./types";

/** What an event says of the record: all of it at the end, before that what has changed. */
export type News = Partial<RequestRecord>;

/** A stream begins with an event; one that brings nothing for so long is kept back on its way. */
const FIRST_MS = 5000;
/** The server shows every 15 s that it is still there. */
const SILENT_MS = 40_000;

/** Yields the request's events behind the one called `after`, with their ids, until the stream ends.
 * Throws where there is no stream, or where it breaks off. */
export async function* events(
  key: string,
  id: string,
  after: string,
  stop: AbortSignal,
): AsyncGenerator<{ id: string; news: News }> {
  const broken = new AbortController();
  const end = () => broken.abort();
  stop.addEventListener("abort", end);
  // An open stream would only be silent then, and nobody would be told.
  addEventListener("offline", end);
  let patience = setTimeout(end, FIRST_MS);
  try {
    const headers: Record<string, string> = { Authorization: `Bearer ${key}` };
    if (after) headers["Last-Event-ID"] = after;
    const path = `${ROOT}/requests/${encodeURIComponent(id)}/events`;
    const answer = await fetch(path, { headers, cache: "no-store", signal: broken.signal });
    if (answer.status === 204) return;
    if (!answer.ok || !answer.body) throw new Error(`no stream: ${answer.status}`);
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(patience);
      patience = setTimeout(end, SILENT_MS);
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = field(block, "data");
        if (!data) continue;
        after = field(block, "id") || after;
        yield { id: after, news: JSON.parse(data) as News };
      }
    }
  } finally {
    clearTimeout(patience);
    stop.removeEventListener("abort", end);
    removeEventListener("offline", end);
    end();
  }
}

function field(block: string, name: string): string {
  const line = block.split("\n").find((each) => each.startsWith(`${name}: `));
  return line === undefined ? "" : line.slice(name.length + 2);
}
