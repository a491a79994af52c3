// The clip in hand, and its way to the server, which begins at once and in the background.

import { effect, signal } from "@preact/signals";

import { ApiError, local, uploadUrl } from "../wire/client";
import { send } from "../wire/send";
import { key, keyState, refused } from "./key";
import { longest } from "./limits";

export interface Clip {
  readonly name: string;
  /** What the players show: a blob of the file, or a signed address. */
  readonly url: string;
  /** Null where the clip was reopened from an earlier request. */
  readonly file: File | null;
}

/** What the browser found out about the clip. */
export interface Facts {
  readonly length: number;
  readonly width: number;
  readonly height: number;
}

export type Transfer =
  | { at: "idle" }
  | { at: "sending"; share: number }
  | { at: "done"; uri: string }
  | { at: "failed"; message: string };

export const clip = signal<Clip | null>(null);
export const facts = signal<Facts | null>(null);
/** The browser cannot show this file; the server may still read it. */
export const unplayable = signal(false);
export const transfer = signal<Transfer>({ at: "idle" });

let running: AbortController | null = null;

function put(next: Clip, state: Transfer): void {
  running?.abort();
  running = null;
  if (clip.value?.file) URL.revokeObjectURL(clip.value.url);
  facts.value = null;
  unplayable.value = false;
  transfer.value = state;
  clip.value = next;
}

export function openFile(file: File): void {
  put({ name: file.name, url: URL.createObjectURL(file), file }, { at: "idle" });
}

/** Opens a clip that the server already has. */
export function openStored(uri: string, name: string): void {
  put({ name, url: local(uri), file: null }, { at: "done", uri });
}

export function closeClip(): void {
  running?.abort();
  running = null;
  if (clip.value?.file) URL.revokeObjectURL(clip.value.url);
  clip.value = null;
  facts.value = null;
  unplayable.value = false;
  transfer.value = { at: "idle" };
}

const FILE_TYPES = new Set([
  "mp4", "mov", "m4v", "webm", "mkv", "avi", "ts", "mpg", "mpeg", "mxf", "ogv", "3gp",
]);

/** A wrong ending is no reason to refuse: the server looks into the file. */
function fileType(file: File): string {
  const ending = /\.([a-z0-9]{2,5})$/i.exec(file.name)?.[1]?.toLowerCase() ?? "";
  return FILE_TYPES.has(ending) ? ending : "mp4";
}

/** Brings the clip to the server unless it is there or on its way. */
export async function startTransfer(): Promise<void> {
  const file = clip.value?.file;
  if (!file || running || transfer.value.at === "done") return;
  const mine = new AbortController();
  running = mine;
  transfer.value = { at: "sending", share: 0 };
  try {
    const { upload_url, public_url } = await uploadUrl(key.value, fileType(file));
    if (mine.signal.aborted) return;
    const sent = (share: number) => {
      if (running === mine) transfer.value = { at: "sending", share };
    };
    await send(upload_url, file, sent, mine.signal);
    if (running === mine) transfer.value = { at: "done", uri: public_url };
  } catch (error) {
    if (running !== mine) return;
    refused(error);
    const message = error instanceof ApiError ? error.message : "The upload failed.";
    transfer.value = { at: "failed", message };
  } finally {
    if (running === mine) running = null;
  }
}

/** A clip within the limits is sent as soon as there is a key; any other waits for the user. */
export function keepTransferring(): void {
  effect(() => {
    const known = facts.value;
    const welcome = known !== null && known.length <= longest.value;
    if (keyState.value === "good" && welcome && transfer.value.at === "idle") {
      queueMicrotask(() => void startTransfer());
    }
  });
}
