// Plays the source and, once there is one, the retake in lockstep: one play button, one position.
//
// The audible video leads and is never disturbed; the other one follows it by small changes of its
// speed, which nobody sees and (being muted) nobody hears.

import { signal } from "@preact/signals";

export type Side = "source" | "retake";

/** Farther apart than this, the follower jumps; it is about one frame at 4 frames a second. */
const JUMP_S = 0.25;
/** Closer than this is the same frame. */
const SAME_S = 0.012;
/** How hard the follower corrects: its change of speed for each second that it is off, and at most. */
const PULL = 5;
const MAX_PULL = 0.25;
const LOOP_ROLL_S = 0.02;

export const playing = signal(false);
/** Seconds; moves about 60 times a second while playing. */
export const position = signal(0);
export const looping = signal(true);
export const muted = signal(false);
/** Sides whose picture is there; whoever wants more from the server waits for it. */
export const loaded = signal<ReadonlySet<Side>>(new Set());
/** Which side is heard. */
export const heard = signal<Side>("source");

const videos = new Map<Side, HTMLVideoElement>();
/** What the loop covers, in seconds. */
let loopFrom = 0;
let loopTo = Infinity;
let frame = 0;
const wanted = new Map<HTMLVideoElement, number>();

function leader(): HTMLVideoElement | undefined {
  return videos.get(heard.value) ?? videos.get("source") ?? videos.get("retake");
}

function followers(): HTMLVideoElement[] {
  const first = leader();
  return [...videos.values()].filter((video) => video !== first);
}

/** Puts a video on the deck; the answer takes it off again. */
export function attach(side: Side, video: HTMLVideoElement): () => void {
  videos.set(side, video);
  const arrived = () => {
    const waiting = wanted.get(video);
    wanted.delete(video);
    if (waiting !== undefined && Math.abs(waiting - video.currentTime) > 0.001) seekOne(video, waiting);
  };
  const ended = () => {
    if (video !== leader()) return;
    if (looping.value) goRound();
    else pause();
  };
  const measured = () => {
    if (Math.abs(video.currentTime - position.value) > SAME_S) seekOne(video, position.value);
  };
  const pictured = () => {
    loaded.value = new Set(loaded.value).add(side);
  };
  video.addEventListener("loadeddata", pictured);
  video.addEventListener("seeked", arrived);
  video.addEventListener("ended", ended);
  video.addEventListener("loadedmetadata", measured);
  voice();
  return () => {
    loaded.value = new Set([...loaded.value].filter((one) => one !== side));
    video.removeEventListener("loadeddata", pictured);
    video.removeEventListener("seeked", arrived);
    video.removeEventListener("ended", ended);
    video.removeEventListener("loadedmetadata", measured);
    video.pause();
    wanted.delete(video);
    if (videos.get(side) === video) videos.delete(side);
    if (videos.size === 0) rewind();
    else voice();
  };
}

function rewind(): void {
  pause();
  position.value = 0;
}

/** Lets exactly the heard side be heard. */
export function voice(): void {
  const first = leader();
  for (const video of videos.values()) {
    video.muted = muted.value || video !== first;
    if (video === first) video.playbackRate = 1;
  }
}

export function hear(side: Side): void {
  heard.value = side;
  voice();
}

export function mute(silent: boolean): void {
  muted.value = silent;
  voice();
}

export function loopOver(from: number, to: number): void {
  loopFrom = Math.max(0, from);
  loopTo = to;
}

function seekOne(video: HTMLVideoElement, to: number): void {
  if (video.readyState === HTMLMediaElement.HAVE_NOTHING) return;
  // While one seek is under way only the newest wish is kept: scrubbing stays live on big files.
  if (video.seeking) wanted.set(video, to);
  else video.currentTime = to;
}

/** Back to the loop's beginning; everybody waits there until all have arrived. */
function goRound(): void {
  for (const video of videos.values()) video.pause();
  seek(loopFrom);
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(tick);
}

export function seek(to: number): void {
  const length = leader()?.duration ?? 0;
  // The very end shows nothing; the last frame is just before it.
  const target = Math.max(0, Number.isFinite(length) && length > 0 ? Math.min(to, length - 0.001) : to);
  position.value = target;
  for (const video of videos.values()) seekOne(video, target);
}

export function play(): void {
  const first = leader();
  if (!first) return;
  const outside = looping.value && (position.value < loopFrom - LOOP_ROLL_S || position.value >= loopTo - 0.05);
  if (outside) seek(loopFrom);
  else if (first.ended || position.value >= first.duration - 0.05) seek(0);
  playing.value = true;
  voice();
  for (const video of videos.values()) void video.play().catch(() => undefined);
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(tick);
}

export function pause(): void {
  playing.value = false;
  cancelAnimationFrame(frame);
  for (const video of videos.values()) {
    video.pause();
    video.playbackRate = 1;
  }
  const first = leader();
  if (!first || first.readyState === HTMLMediaElement.HAVE_NOTHING) return;
  position.value = first.currentTime;
  for (const video of followers()) {
    // At rest they stand on the very same moment: a difference at a frame's edge would be a frame.
    if (video.currentTime !== first.currentTime) seekOne(video, first.currentTime);
  }
}

export function toggle(): void {
  if (playing.value) pause();
  else play();
}

function tick(): void {
  const first = leader();
  if (!first || !playing.value) return;
  frame = requestAnimationFrame(tick);
  if (first.seeking) return;
  position.value = first.currentTime;
  if (looping.value && first.currentTime >= loopTo - LOOP_ROLL_S) {
    goRound();
    return;
  }
  const ready = [...videos.values()].every((video) => !starved(video));
  hold(ready);
  if (ready) for (const video of followers()) align(video, first.currentTime);
}

function starved(video: HTMLVideoElement): boolean {
  return video.seeking || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
}

/** Nobody runs ahead while the other one loads. */
function hold(ready: boolean): void {
  for (const video of videos.values()) {
    if (!ready && !starved(video) && !video.paused) video.pause();
    if (ready && video.paused && !video.ended) void video.play().catch(() => undefined);
  }
}

function align(video: HTMLVideoElement, to: number): void {
  if (video.seeking) return;
  const ahead = video.currentTime - to;
  if (Math.abs(ahead) > JUMP_S) {
    video.currentTime = to;
    video.playbackRate = 1;
  } else {
    video.playbackRate = Math.abs(ahead) < SAME_S ? 1 : 1 - Math.max(-MAX_PULL, Math.min(MAX_PULL, ahead * PULL));
  }
}
