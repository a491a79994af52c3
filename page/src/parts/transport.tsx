// Play, loop, where we are, what is heard and seen.

import { computed } from "@preact/signals";
import type { RefObject } from "preact";

import * as deck from "../media/deck";
import { section } from "../state/form";
import { facts } from "../state/clip";
import { clock } from "../time";
import { Choice } from "./choice";
import { FullIcon, LoopIcon, PauseIcon, PlayIcon, SoundIcon, ToStartIcon } from "./icons";
import { show, view, type View } from "./stage";

const VIEWS = [
  ["both", "Side by side"],
  ["wipe", "Wipe"],
  ["source", "Source"],
  ["retake", "Retake"],
] as const satisfies readonly (readonly [View, string])[];

const HEARD = [
  ["source", "Source"],
  ["retake", "Retake"],
] as const;

const now = computed(() => clock(deck.position.value));

interface Props {
  readonly comparing: boolean;
  readonly full: RefObject<HTMLElement | null>;
}

export function Transport({ comparing, full }: Props) {
  const playing = deck.playing.value;
  return (
    <div class="transport" role="group" aria-label="Playing">
      <div class="transport-left">
        <button type="button" class="tool" title="To the section’s start" onClick={() => deck.seek(section.value.start)}>
          <ToStartIcon />
          <span class="sr-only">To the section’s start</span>
        </button>
        <button type="button" class="tool play" title="Play or pause (Space)" onClick={deck.toggle}>
          {playing ? <PauseIcon /> : <PlayIcon />}
          <span class="sr-only">{playing ? "Pause" : "Play"}</span>
        </button>
        <button
          type="button"
          class="tool"
          title="Loop the section (L)"
          aria-pressed={deck.looping.value}
          onClick={() => (deck.looping.value = !deck.looping.value)}
        >
          <LoopIcon />
          <span class="sr-only">Loop the section</span>
        </button>
        <span class="time" aria-hidden="true">
          <b>{now}</b>
          <span class="time-length"> / {clock(facts.value?.length ?? 0)}</span>
        </span>
      </div>
      {comparing && <Choice label="View" title="Keys 1 to 4; B changes between source and retake" name="view" value={view.value} options={VIEWS} pick={show} />}
      <div class="transport-right">
        {comparing && (
          <span class="heard">
            <span class="heard-word" aria-hidden="true">Hear</span>
            <Choice label="Hear" name="heard" value={deck.heard.value} options={HEARD} pick={deck.hear} />
          </span>
        )}
        <button type="button" class="tool" aria-pressed={deck.muted.value} title="Mute (M)" onClick={() => deck.mute(!deck.muted.value)}>
          <SoundIcon off={deck.muted.value} />
          <span class="sr-only">Mute</span>
        </button>
        <button type="button" class="tool" title="Full screen (F)" onClick={() => toggleFull(full.current)}>
          <FullIcon />
          <span class="sr-only">Full screen</span>
        </button>
      </div>
    </div>
  );
}

export function toggleFull(box: HTMLElement | null): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void box?.requestFullscreen?.().catch(() => undefined);
}
