// The timeline: pictures of the clip, the section between two handles, the playhead.
//
// Handles and playhead are ARIA sliders over a canvas. Dragging a handle shows its frame; dragging
// the bar above the section moves all of it; anywhere else is for looking around.

import { useCallback, useEffect, useRef } from "preact/hooks";

import * as deck from "../media/deck";
import { useStrip } from "../media/strip";
import { moveEnd, moveStart, slide, type Section } from "../section";
import { clip, facts, unplayable } from "../state/clip";
import { bounds, section } from "../state/form";
import { clock, spoken } from "../time";
import { Playhead } from "./playhead";
import { draw, heightOf } from "./timeline-draw";

interface Props {
  readonly retake: string | null;
  /** The section that was made; null while it can still be chosen. */
  readonly made: Section | null;
  readonly locked: boolean;
}

const SOURCE_WAVE = "#5d6470";
const RETAKE_WAVE = "#e08a3e";

export function Timeline({ retake, made, locked }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const track = useRef<HTMLDivElement>(null);
  const again = useRef(0);
  const paint = useRef<() => void>(() => undefined);
  const redraw = useCallback(() => {
    cancelAnimationFrame(again.current);
    again.current = requestAnimationFrame(() => paint.current());
  }, []);
  const known = facts.value;
  const open = clip.value;
  const shown = known !== null && !unplayable.value;
  const pictured = deck.loaded.value;
  const source = useStrip(open?.url ?? null, open?.file ?? null, shown && pictured.has("source"), [0, 1], redraw);
  const { start, end } = made ?? section.value;
  const length = known?.length ?? 1;
  const result = useStrip(retake, null, pictured.has("retake"), [start / length, end / length], redraw);
  const rows = (shown || retake === null ? 1 : 0) + (retake === null ? 0 : 1);
  const strips = retake === null ? [source] : shown ? [source, result] : [result];
  paint.current = () => {
    if (!canvas.current || !track.current || !known) return;
    const wave = result.current?.peaks ? result.current : source.current;
    const colour = wave === result.current ? RETAKE_WAVE : SOURCE_WAVE;
    const waves = wave?.peaks ? [{ peaks: wave.peaks, colour }] : [];
    const drawn = strips.map((strip) => strip.current ?? { count: 1, tiles: new Map() });
    draw(canvas.current, { width: track.current.clientWidth, length: known.length, rows: drawn, waves });
  };
  useEffect(redraw);
  useEffect(() => {
    const watcher = new ResizeObserver(redraw);
    if (track.current) watcher.observe(track.current);
    void document.fonts?.ready.then(redraw);
    return () => watcher.disconnect();
  }, [known !== null]);
  if (!known) return null;
  const marked = made ?? section.value;
  return (
    <section class="timeline" aria-label="Timeline">
      <div class="track" ref={track} style={{ height: `${heightOf(rows)}px` }} onPointerDown={scrub}>
        <canvas ref={canvas} aria-hidden="true" />
        {rows === 2 && (
          <>
            <span class="row-name row-source" aria-hidden="true">Source</span>
            <span class="row-name row-retake" aria-hidden="true">Retake</span>
          </>
        )}
        <Marked section={marked} length={known.length} locked={locked || made !== null} />
        <Playhead length={known.length} />
      </div>
    </section>
  );
}

function percent(at: number, length: number): string {
  return `${(100 * at) / length}%`;
}

function Marked({ section: marked, length, locked }: { section: Section; length: number; locked: boolean }) {
  const { start, end } = marked;
  return (
    <>
      <div class="shade" style={{ left: "0", width: percent(start, length) }} />
      <div class="shade" style={{ left: percent(end, length), right: "0" }} />
      <div class={`section ${locked ? "section-locked" : ""}`} style={{ left: percent(start, length), width: percent(end - start, length) }}>
        <div class="section-bar" onPointerDown={locked ? undefined : dragAll} title={locked ? undefined : "Drag to move the section"}>
          <span>{(end - start).toFixed(3)} s</span>
        </div>
      </div>
      {!locked && <Handle side="start" />}
      {!locked && <Handle side="end" />}
    </>
  );
}

function Handle({ side }: { side: "start" | "end" }) {
  const { start, end } = section.value;
  const limits = bounds.value;
  const at = side === "start" ? start : end;
  const move = (to: number) => {
    section.value = (side === "start" ? moveStart : moveEnd)(section.value, to, limits);
    deck.seek(section.value[side]);
  };
  const keys = (event: KeyboardEvent) => {
    const step = event.ctrlKey ? 0.01 : event.shiftKey ? 1 : 0.1;
    const next: Record<string, number> = {
      ArrowLeft: at - step, ArrowDown: at - step, ArrowRight: at + step, ArrowUp: at + step,
      PageDown: at - 1, PageUp: at + 1, Home: 0, End: limits.length,
    };
    const to = next[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    deck.pause();
    move(to);
  };
  return (
    <div
      class={`handle handle-${side}`}
      style={{ left: percent(at, limits.length) }}
      role="slider"
      tabIndex={0}
      aria-label={side === "start" ? "Section start" : "Section end"}
      aria-orientation="horizontal"
      aria-valuemin={side === "start" ? 0 : start + limits.shortest}
      aria-valuemax={side === "start" ? end - limits.shortest : limits.length}
      aria-valuenow={at}
      aria-valuetext={spoken(at)}
      onKeyDown={keys}
      onPointerDown={(event) => dragging(event, at, move)}
    >
      <span class="handle-time" aria-hidden="true">{clock(at)}</span>
    </div>
  );
}

/** Follows the pointer from where it took hold, so that nothing jumps at the first touch. */
function dragging(event: PointerEvent, from: number, move: (to: number) => void): void {
  if (event.button !== 0) return;
  event.stopPropagation();
  event.preventDefault();
  deck.pause();
  const held = event.currentTarget as HTMLElement;
  held.focus({ preventScroll: true });
  const width = held.closest(".track")?.clientWidth ?? 1;
  const left = event.clientX;
  const perPixel = (facts.value?.length ?? 0) / width;
  held.setPointerCapture(event.pointerId);
  held.classList.add("held");
  const follow = (moved: PointerEvent) => move(from + (moved.clientX - left) * perPixel);
  const done = () => {
    held.classList.remove("held");
    held.removeEventListener("pointermove", follow);
  };
  held.addEventListener("pointermove", follow);
  held.addEventListener("lostpointercapture", done, { once: true });
}

function dragAll(event: PointerEvent): void {
  const began = section.value.start;
  dragging(event, began, (to) => {
    section.value = slide(section.value, to, bounds.value);
    deck.seek(section.value.start);
  });
}

function scrub(event: PointerEvent): void {
  if (event.button !== 0) return;
  const track = event.currentTarget as HTMLElement;
  const box = track.getBoundingClientRect();
  const length = facts.value?.length ?? 0;
  const rolling = deck.playing.value;
  deck.pause();
  const to = (x: number) => deck.seek(((x - box.left) / box.width) * length);
  track.setPointerCapture(event.pointerId);
  to(event.clientX);
  const follow = (moved: PointerEvent) => to(moved.clientX);
  track.addEventListener("pointermove", follow);
  const done = () => {
    track.removeEventListener("pointermove", follow);
    if (rolling) deck.play();
  };
  track.addEventListener("lostpointercapture", done, { once: true });
}
