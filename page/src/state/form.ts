// What is asked for: the section, the prompt, the mode, the seed.

import { computed, signal } from "@preact/signals";

import type { Bounds, Section } from "../section";
import type { Mode, Payload } from "../wire/types";
import { facts } from "./clip";
import { shortest } from "./limits";

export const section = signal<Section>({ start: 0, end: 5 });
export const prompt = signal("");
export const mode = signal<Mode>("replace_audio_and_video");
export const seed = signal("");
export type Takes = "1" | "2" | "3" | "4";
export const takes = signal<Takes>("1");

export const bounds = computed<Bounds>(() => ({
  // An unplayable file has no known length; the server clamps and says so.
  length: facts.value?.length ?? 3600,
  shortest: shortest.value,
}));

export const MAX_SEED = 2 ** 32 - 1;

/** What is wrong with the seed field, or null. */
export const seedComplaint = computed<string | null>(() => {
  const text = seed.value.trim();
  if (text === "" || (/^\d+$/.test(text) && Number(text) <= MAX_SEED)) return null;
  return `A whole number from 0 to ${MAX_SEED}.`;
});

export function payload(uri: string): Payload {
  const { start, end } = section.value;
  const asked: Payload = {
    video_uri: uri,
    start_time: start,
    duration: Math.round((end - start) * 1000) / 1000,
    prompt: prompt.value.trim(),
    mode: mode.value,
  };
  if (seed.value.trim()) asked.seed = Number(seed.value.trim());
  if (takes.value !== "1") asked.takes = Number(takes.value);
  return asked;
}

/** Fills the form with an earlier request's wishes. */
export function recall(earlier: Partial<Payload>): void {
  const start = earlier.start_time ?? 0;
  section.value = { start, end: start + (earlier.duration ?? 5) };
  prompt.value = earlier.prompt ?? "";
  mode.value = earlier.mode ?? "replace_audio_and_video";
  const several = Math.min(earlier.takes ?? earlier.seeds?.length ?? 1, 4);
  takes.value = String(Math.max(several, 1)) as Takes;
  seed.value = earlier.seed === undefined ? "" : String(earlier.seed);
}
