// The pictures: the source alone while editing; source and retake together once there is one.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { attach, hear, heard, seek, type Side } from "../media/deck";
import { proposed } from "../section";
import { clip, facts, unplayable } from "../state/clip";
import { bounds, section } from "../state/form";
import { refresh } from "../state/request";

export type View = "source" | "retake" | "both" | "wipe";

export const view = signal<View>("source");
/** Where the wipe stands, in percent of the picture's width from the left. */
export const wipe = signal(50);

export function show(next: View): void {
  view.value = next;
  if (next === "source" || next === "retake") hear(next);
}

interface Props {
  readonly source: string | null;
  readonly retake: string | null;
}

export function Stage({ source, retake }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const shown = retake === null ? "source" : source === null ? "retake" : view.value;
  const known = facts.value;
  const ratio = known && known.width > 0 ? known.width / known.height : 16 / 9;
  useLayoutEffect(() => {
    box.current?.style.setProperty("--ratio", String(ratio));
  }, [ratio]);
  useLayoutEffect(() => {
    box.current?.style.setProperty("--wipe", `${wipe.value}%`);
  }, [wipe.value]);
  return (
    <div class="stage" data-view={shown} data-tall={ratio < 1 ? "" : undefined} ref={box}>
      <div class="screens">
        {source !== null && <Screen side="source" url={source} labelled={retake !== null} key="source" />}
        {retake !== null && <Screen side="retake" url={retake} labelled key="retake" />}
        {shown === "wipe" && <Wipe />}
      </div>
      {unplayable.value && retake === null && <Unplayable />}
    </div>
  );
}

function Screen({ side, url, labelled }: { side: Side; url: string; labelled: boolean }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => attach(side, video.current!), [side]);
  const hears = heard.value === side;
  return (
    <figure class={`screen screen-${side}`}>
      <video
        ref={video}
        src={url}
        playsInline
        preload="auto"
        aria-label={side === "source" ? "The source" : "The retake"}
        onLoadedMetadata={(event) => learn(side, event.currentTarget)}
        onDurationChange={(event) => learn(side, event.currentTarget)}
        onError={() => (side === "source" ? (unplayable.value = true) : void refresh())}
      />
      {labelled && (
        <figcaption>
          {side === "source" ? "Source" : "Retake"}
          {hears && <span class="sr-only">, heard</span>}
        </figcaption>
      )}
    </figure>
  );
}

/** Notes what the browser found; a fresh clip gets a proposed section. */
function learn(side: Side, video: HTMLVideoElement): void {
  if (side === "retake" && facts.value) return;
  // A recording without a length tells it once its end was looked for.
  if (video.duration === Infinity) {
    video.currentTime = 1e7;
    return;
  }
  if (!Number.isFinite(video.duration)) return;
  const fresh = facts.value === null && clip.value?.file;
  facts.value = { length: video.duration, width: video.videoWidth, height: video.videoHeight };
  if (side === "source") unplayable.value = video.videoWidth === 0;
  if (fresh) {
    section.value = proposed(bounds.value);
    seek(section.value.start);
  }
}

function Wipe() {
  const at = Math.round(wipe.value);
  const to = (percent: number) => (wipe.value = Math.min(100, Math.max(0, percent)));
  const drag = (event: PointerEvent) => {
    if (event.type === "pointerdown") {
      event.preventDefault();
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    } else if (event.buttons === 0) return;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    to(((event.clientX - box.left) / box.width) * 100);
  };
  const keys = (event: KeyboardEvent) => {
    const step = event.shiftKey ? 10 : 2;
    const next = { ArrowLeft: at - step, ArrowRight: at + step, Home: 0, End: 100 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    to(next);
  };
  return (
    <div class="wipe" onPointerDown={drag} onPointerMove={drag}>
      <div
        class="wipe-line"
        role="slider"
        tabIndex={0}
        aria-label="Wipe: source on the left, retake on the right"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={at}
        aria-valuetext={`${at} percent source`}
        onKeyDown={keys}
      >
        <span class="wipe-knob" />
      </div>
    </div>
  );
}

function Unplayable() {
  const known = facts.value;
  return (
    <div class="unplayable" role="status">
      <h2>{known ? "This file has no picture." : "This browser cannot show the clip."}</h2>
      <p>
        {clip.value?.file
          ? "The server may still be able to read it. Give the section as times and run."
          : "The server no longer gives the source out; the result is not affected."}
      </p>
    </div>
  );
}
