// Where the section may lie. Pure: positions in, positions out, everything in seconds.

import { toMs } from "./time";

export interface Section {
  readonly start: number;
  readonly end: number;
}

export interface Bounds {
  /** The clip's length. */
  readonly length: number;
  /** The shortest section that is accepted. */
  readonly shortest: number;
}

export const MIN_SECTION_S = 2;
export const MAX_CLIP_S = 21;
const USUAL_S = 5;

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}

/** What is proposed for a fresh clip: five seconds in its middle, or all of a shorter one. */
export function proposed({ length, shortest }: Bounds): Section {
  const span = clamp(Math.min(USUAL_S, length), Math.min(shortest, length), length);
  const start = toMs((length - span) / 2);
  return { start, end: toMs(start + span) };
}

export function moveStart(section: Section, to: number, { shortest }: Bounds): Section {
  return { ...section, start: toMs(clamp(to, 0, section.end - shortest)) };
}

export function moveEnd(section: Section, to: number, { length, shortest }: Bounds): Section {
  return { ...section, end: toMs(clamp(to, section.start + shortest, length)) };
}

/** Moves the whole section, keeping how long it is. */
export function slide(section: Section, to: number, { length }: Bounds): Section {
  const span = section.end - section.start;
  const start = toMs(clamp(to, 0, length - span));
  return { start, end: toMs(start + span) };
}

/** Makes the section `span` long from its start, moving it to the left where the clip ends. */
export function stretch(section: Section, span: number, bounds: Bounds): Section {
  const kept = clamp(span, bounds.shortest, bounds.length);
  const start = toMs(Math.min(section.start, Math.max(0, bounds.length - kept)));
  return { start, end: toMs(start + kept) };
}
