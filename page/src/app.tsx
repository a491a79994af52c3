// The page: the start, or the editing desk with its pictures, timeline and panel.

import { useEffect, useRef, useState } from "preact/hooks";

import * as deck from "./media/deck";
import { endAt, startAt } from "./section";
import { clip, facts, unplayable } from "./state/clip";
import { bounds, section } from "./state/form";
import { job } from "./state/request";
import { shown } from "./state/takes";
import { Header } from "./parts/header";
import { EditPanel } from "./parts/panel-edit";
import { ResultPanel } from "./parts/panel-result";
import { RunPanel } from "./parts/panel-run";
import { show, Stage, view, type View } from "./parts/stage";
import { Start, take } from "./parts/start";
import { Timeline } from "./parts/timeline";
import { toggleFull, Transport } from "./parts/transport";
import { local } from "./wire/client";
import { effective } from "./words";

export function App() {
  const dropping = useDrop();
  return (
    <>
      <Header />
      {clip.value ? <Desk /> : <Start />}
      {dropping && <div class="dropping"><p>Drop the clip</p></div>}
    </>
  );
}

function Desk() {
  const full = useRef<HTMLDivElement>(null);
  const now = job.value;
  const waiting = now.at === "armed" || now.at === "sending" || now.at === "running";
  const done = now.at === "done" ? now.record : null;
  const url = shown.value?.video;
  const retake = url ? local(url) : null;
  // A result is worth seeing also where its source cannot be shown.
  const source = retake !== null && unplayable.value ? null : (clip.value?.url ?? null);
  const made = done ? ((shown.value?.report && effective(shown.value.report)) ?? section.value) : null;
  useComparing(done !== null, done?.payload.mode === "replace_audio");
  useLoop(made ?? section.value, done !== null);
  useShortcuts(full, done !== null, made === null && !waiting);
  return (
    <main class="desk">
      <h1 class="sr-only">Retake of {clip.value?.name}</h1>
      <div class="viewer" ref={full}>
        <Stage source={source} retake={retake} />
        {facts.value && <Transport comparing={retake !== null && source !== null} full={full} />}
      </div>
      <Timeline retake={retake} made={made} locked={waiting} />
      <aside class="side">
        {done ? <ResultPanel /> : waiting ? <RunPanel /> : <EditPanel />}
      </aside>
    </main>
  );
}

/** A finished retake is shown beside its source, heard, from just before the section. */
function useComparing(done: boolean, soundOnly: boolean): void {
  useEffect(() => {
    if (!done) {
      show("source");
      return;
    }
    // Two equal pictures side by side would be a riddle.
    if (soundOnly) show("retake");
    else show(matchMedia("(max-width: 760px)").matches ? "wipe" : "both");
    deck.hear("retake");
    deck.pause();
    deck.seek(Math.max(0, section.peek().start));
    document.querySelector<HTMLElement>(".done")?.focus({ preventScroll: true });
  }, [done]);
}

const CONTEXT_S = 1;

/** While choosing, the loop is the section itself; while judging, the joins are in it too. */
function useLoop({ start, end }: { start: number; end: number }, done: boolean): void {
  const length = facts.value?.length ?? Infinity;
  const around = done ? CONTEXT_S : 0;
  useEffect(
    () => deck.loopOver(start - around, Math.min(end + around, length)),
    [start, end, around, length],
  );
}

const VIEWS: Record<string, View> = { "1": "both", "2": "wipe", "3": "source", "4": "retake" };

function useShortcuts(full: { current: HTMLElement | null }, comparing: boolean, editing: boolean): void {
  useEffect(() => {
    const act = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.closest("input:not([type=radio]), textarea, select, summary")) return;
      const pressed = event.key.toLowerCase();
      // A focused button is pressed by the space bar; that is its meaning there.
      if (pressed === " " && target.closest("button, a, [type=radio]:not(:checked)")) return;
      const chosen = VIEWS[pressed];
      if (pressed === " " || pressed === "k") deck.toggle();
      else if (pressed === "l") deck.looping.value = !deck.looping.value;
      else if (pressed === "m") deck.mute(!deck.muted.value);
      else if (pressed === "f") toggleFull(full.current);
      else if (pressed === "i" && editing) section.value = startAt(section.value, deck.position.value, bounds.value);
      else if (pressed === "o" && editing) section.value = endAt(section.value, deck.position.value, bounds.value);
      else if (comparing && chosen) show(chosen);
      else if (comparing && pressed === "b") show(view.value === "retake" ? "source" : "retake");
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", act);
    return () => removeEventListener("keydown", act);
  }, [comparing, editing]);
}

/** Files may be dropped anywhere; tells whether one hovers. */
function useDrop(): boolean {
  const [hovering, hover] = useState(false);
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      hover(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) hover(false);
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      hover(false);
      const file = event.dataTransfer?.files[0];
      const busy = job.value.at === "sending" || job.value.at === "running";
      if (file && !busy) take(file);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
  return hovering;
}
