// The start: drop a clip, or open an earlier request.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { openFile } from "../state/clip";
import { section } from "../state/form";
import { key, keyState } from "../state/key";
import { longest } from "../state/limits";
import { again, job, reopen } from "../state/request";
import { ago, shortClock } from "../time";
import { list, local } from "../wire/client";
import type { RequestRecord, Status } from "../wire/types";
import { FilmIcon, WarnIcon } from "./icons";
import { KeyForm } from "./key-form";

const EARLIER = 6;
const earlier = signal<RequestRecord[]>([]);

export function Start() {
  const state = keyState.value;
  return (
    <main class="start">
      <h1>
        Re-shoot a few seconds.
        <br />
        <em>Keep everything else.</em>
      </h1>
      <p class="lead">
        Mark a section of a clip, say what should happen in it, and get the whole clip back: a new
        picture and new sound in the section, every other packet as it was.
      </p>
      <DropZone />
      {job.value.at === "failed" && (
        <p class="banner" role="alert"><WarnIcon />{job.value.message}</p>
      )}
      {(state === "missing" || state === "rejected" || state === "unreachable") && (
        <div class="card key-card"><KeyForm /></div>
      )}
      {state === "good" && <Earlier />}
    </main>
  );
}

function DropZone() {
  const input = useRef<HTMLInputElement>(null);
  const chosen = () => {
    const file = input.current?.files?.[0];
    if (file) take(file);
  };
  return (
    <div class="drop">
      <Strip />
      <input
        ref={input}
        id="file"
        class="sr-only"
        type="file"
        accept="video/*,.mp4,.mov,.mkv,.webm,.mpg,.avi"
        onChange={chosen}
      />
      <label for="file" class="button primary large"><FilmIcon />Choose a clip</label>
      <p class="hint"><span class="wide-only">or drop it anywhere on this page · </span>up to {longest.value} seconds, up to 4K</p>
    </div>
  );
}

/** A timeline in miniature: what the page is about, without words. */
function Strip() {
  const frames = Array.from({ length: 13 }, (_, at) => at);
  return (
    <svg class="strip" viewBox="0 0 520 72" aria-hidden="true" focusable="false">
      {frames.map((at) => (
        <rect key={at} x={at * 40 + 1} y="14" width="38" height="44" rx="3" class={at >= 4 && at < 9 ? "made" : "kept"} />
      ))}
      <rect x="158" y="9" width="204" height="54" rx="6" class="edge" />
      <rect x="150" y="9" width="12" height="54" rx="4" class="grip" />
      <rect x="358" y="9" width="12" height="54" rx="4" class="grip" />
      <path d="M156 30v12M364 30v12" class="grip-line" />
    </svg>
  );
}

export function take(file: File): void {
  again();
  // What the browser cannot show gets no proposal: the wire's own defaults stand.
  section.value = { start: 0, end: 5 };
  openFile(file);
}

function Earlier() {
  useEffect(() => {
    const stop = new AbortController();
    list(key.value, EARLIER)
      .then((records) => {
        if (!stop.signal.aborted) earlier.value = records;
      })
      .catch(() => undefined);
    return () => stop.abort();
  }, [key.value]);
  if (earlier.value.length === 0) return null;
  return (
    <section class="earlier" aria-labelledby="earlier">
      <h2 id="earlier">Earlier</h2>
      <ul>
        {earlier.value.map((record) => <li key={record.request_id}><Entry record={record} /></li>)}
      </ul>
    </section>
  );
}

const SAYS: Record<Status, string> = {
  created: "waiting",
  queued: "waiting",
  dispatched: "waiting",
  processing: "running",
  success: "done",
  failed: "failed",
  cancelled: "cancelled",
};

function Entry({ record }: { record: RequestRecord }) {
  const { payload, outcome, status } = record;
  const picture = outcome?.thumbnail_image_url;
  const start = payload.start_time ?? 0;
  return (
    <button type="button" class="entry" onClick={() => void reopen(record.request_id)}>
      <span class="entry-picture">{picture && <img src={local(picture)} alt="" loading="lazy" />}</span>
      <span class="entry-words">
        <span class="entry-prompt">{payload.prompt || "No prompt"}</span>
        <span class="entry-facts">
          <span class={`dot dot-${status}`} />
          {SAYS[status]} · {shortClock(start)} – {shortClock(start + (payload.duration ?? 5))} · {ago(record.created_at)}
        </span>
      </span>
    </button>
  );
}
