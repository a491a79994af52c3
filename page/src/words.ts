// What the server's figures say to a person.

import { clock } from "./time";
import type { Report, StreamReport } from "./wire/types";

/** The stages in order, each with what it does for the user. */
export const STAGES: readonly (readonly [id: string, words: string])[] = [
  ["fetch", "Fetch the source"],
  ["probe", "Read the clip"],
  ["plan", "Plan the cut"],
  ["generate", "Shoot the section"],
  ["render", "Join it to the source"],
  ["verify", "Check every packet"],
  ["publish", "Save the result"],
];

export const MODES = [
  ["replace_audio_and_video", "Picture and sound", "Both are made anew in the section."],
  ["replace_video", "Picture only", "The original sound stays, bit for bit."],
  ["replace_audio", "Sound only", "The original picture stays, bit for bit."],
] as const;

/** Prompts to begin from: what the built-in effects engine does. */
export const EXAMPLES: readonly (readonly [chip: string, prompt: string])[] = [
  ["Explosion", "A dramatic explosion with bright orange flames"],
  ["Fire", "A fire breaks out and burns fiercely"],
  ["Smoke", "Thick dark smoke drifts through the scene"],
  ["Rain", "Heavy rain begins to fall"],
  ["Storm", "A violent storm with lightning and thunder"],
  ["Snow", "Snow falls softly"],
  ["Fog", "Dense morning fog rolls in"],
  ["Night", "Night falls, moonlit and quiet"],
  ["Sunset", "A warm golden sunset"],
];

function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** One stream's fate in a sentence; `seconds` is the section's length. */
export function fate(stream: StreamReport, name: "picture" | "sound", seconds: number): string {
  switch (stream.action) {
    case "copied":
      return `All ${count(stream.packets, "packet")} are the source’s own.`;
    case "smart":
      return `${stream.packets_copied.toLocaleString("en")} of ${count(stream.packets, "packet")} untouched; ${made(stream, name, seconds)}.`;
    case "reencoded": {
      const why = stream.reason ? `: ${stream.reason.replace(/\.$/, "")}` : "";
      return `The whole ${name} was encoded anew${why}.`;
    }
    case "created":
      return name === "sound" ? "The clip had no sound; it has some now." : "The picture was made.";
    case "absent":
      return name === "sound" ? "There is no sound." : "There is no picture.";
  }
}

/** Pictures are counted in frames; nobody counts samples, so sound is told in seconds. */
function made(stream: StreamReport, name: "picture" | "sound", seconds: number): string {
  if (name === "sound") return `${seconds.toFixed(1)} s made anew`;
  const frames = `${count(stream.frames_generated, "frame")} made anew`;
  if (stream.frames_reencoded === 0) return frames;
  return `${frames}, ${stream.frames_reencoded.toLocaleString("en")} re-encoded around the joins`;
}

/** How large the share of each kind of frame is, 0 to 1: kept, re-encoded, made anew. */
export function shares(stream: StreamReport): { exact: number; encoded: number; made: number } | null {
  const all = stream.frames_exact + stream.frames_reencoded + stream.frames_generated;
  if (all === 0) return null;
  return {
    exact: stream.frames_exact / all,
    encoded: stream.frames_reencoded / all,
    made: stream.frames_generated / all,
  };
}

function number(value: unknown): number | null {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const fraction = typeof value === "string" ? /^(-?\d+)(?:\/(\d+))?$/.exec(value) : null;
  return fraction ? Number(fraction[1]) / Number(fraction[2] ?? 1) : null;
}

/** The section that was really made, in seconds; null where the report does not say. */
export function effective(report: Report): { start: number; end: number } | null {
  const start = number(report.section["start"]);
  const end = number(report.section["end"]);
  return start === null || end === null ? null : { start, end };
}

/** The joins, in sentences. */
export function joins(report: Report): string[] {
  const { psnr_in_db, psnr_out_db, loudness_step_in_lu, loudness_step_out_lu } = report.seams;
  const said: string[] = [];
  if (psnr_in_db !== null && psnr_out_db !== null) {
    said.push(`The picture meets the source at ${psnr_in_db.toFixed(1)} dB going in and ${psnr_out_db.toFixed(1)} dB coming out.`);
  }
  if (loudness_step_in_lu !== null && loudness_step_out_lu !== null) {
    said.push(`Loudness steps by ${signed(loudness_step_in_lu)} LU going in and ${signed(loudness_step_out_lu)} LU coming out.`);
  }
  return said;
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

export function span({ start, end }: { start: number; end: number }): string {
  return `${clock(start)} – ${clock(end)}`;
}
