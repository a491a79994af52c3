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

/** Sets the start where somebody points; the end gives way where the rest would be too short. */
export function startAt(section: Section, to: number, bounds: Bounds): Section {
  const start = toMs(clamp(to, 0, bounds.length - bounds.shortest));
  return { start, end: toMs(Math.max(section.end, start + bounds.shortest)) };
}

/** Sets the end where somebody points; the start gives way where the rest would be too short. */
export function endAt(section: Section, to: number, bounds: Bounds): Section {
  const end = toMs(clamp(to, bounds.shortest, bounds.length));
  return { start: toMs(Math.min(section.start, end - bounds.shortest)), end };
}
