// One request's life as the page sees it: waiting for the upload, sent, watched, ended.

import { effect, signal } from "@preact/signals";

import * as wire from "../wire/client";
import { events } from "../wire/events";
import type { RequestRecord } from "../wire/types";
import { clip, closeClip, openStored, startTransfer, transfer } from "./clip";
import { payload, recall } from "./form";
import { key, keyState, refused } from "./key";

export type Job =
  | { at: "none" }
  /** Run was pressed while the upload goes on. */
  | { at: "armed" }
  | { at: "sending" }
  | { at: "running"; record: RequestRecord; lost: boolean; cancelling: boolean }
  | { at: "done"; record: RequestRecord }
  | { at: "failed"; message: string; param: string | null; record: RequestRecord | null }
  | { at: "cancelled" };

const POLL_MS = 500;
const POLL_LOST_MS = 2000;

export const job = signal<Job>({ at: "none" });
/** When each stage was first seen, in the page's own clock (ms). */
export const stageSeen = signal<ReadonlyMap<string, number>>(new Map());

let watching: AbortController | null = null;

function address(id: string | null): void {
  history.replaceState(null, "", location.pathname + location.search + (id ? `#request=${id}` : ""));
}

function failed(error: unknown): void {
  refused(error);
  const known = error instanceof wire.ApiError;
  const message = known ? error.message : "Something went wrong in this page.";
  if (!known) console.error(error);
  job.value = { at: "failed", message, param: known ? error.param : null, record: null };
}

export function run(): void {
  // An upload's address expires: when it was refused, the file goes again.
  const refusedClip = job.value.at === "failed" && job.value.param === "video_uri" && clip.value?.file;
  if (refusedClip || transfer.value.at === "failed") transfer.value = { at: "idle" };
  job.value = { at: "armed" };
  void startTransfer();
}

async function submit(uri: string): Promise<void> {
  job.value = { at: "sending" };
  try {
    follow(await wire.submit(key.value, payload(uri)));
  } catch (error) {
    failed(error);
  }
}

/** Shows `record` and watches it until it ends. */
export function follow(record: RequestRecord): void {
  stopWatching();
  const stop = new AbortController();
  watching = stop;
  stageSeen.value = new Map();
  address(record.request_id);
  take(record);
  void watch(record, stop.signal);
}

function stopWatching(): void {
  watching?.abort();
  watching = null;
}

/** Listens to the request's events; asks for its status where they do not come through. */
async function watch(record: RequestRecord, stop: AbortSignal): Promise<void> {
  let pause = POLL_MS;
  let after = "";
  let streams = true;
  while (!stop.aborted && job.value.at === "running") {
    try {
      if (streams) {
        for await (const { id, news } of events(key.value, record.request_id, after, stop)) {
          if (stop.aborted) return;
          after = id;
          record = { ...record, ...news };
          take(record);
        }
        if (job.value.at !== "running") return;
      }
    } catch {
      // Something on the way keeps streams back, or the server is away: the next lines tell.
      streams = after !== "";
    }
    if (stop.aborted) return;
    await new Promise((wake) => setTimeout(wake, pause));
    if (stop.aborted || job.value.at !== "running") return;
    try {
      const now = await wire.status(key.value, record.request_id);
      if (stop.aborted) return;
      pause = POLL_MS;
      record = now;
      take(now);
    } catch (error) {
      if (stop.aborted) return;
      const known = error instanceof wire.ApiError ? error : null;
      if (!known || (known.status !== 0 && known.status < 500 && known.status !== 429)) {
        failed(error);
        return;
      }
      // The work goes on without us: say so and keep asking.
      pause = POLL_LOST_MS;
      if (job.value.at === "running") job.value = { ...job.value, lost: true };
    }
  }
}

function take(record: RequestRecord): void {
  switch (record.status) {
    case "success":
      job.value = { at: "done", record };
      return;
    case "failed": {
      const message = record.error ?? record.reason ?? record.outcome?.error ?? "The request failed.";
      job.value = { at: "failed", message, param: record.param ?? null, record };
      return;
    }
    case "cancelled":
      job.value = { at: "cancelled" };
      address(null);
      return;
    default: {
      const stage = record.progress?.stage;
      if (stage && !stageSeen.value.has(stage)) {
        stageSeen.value = new Map(stageSeen.value).set(stage, performance.now());
      }
      const cancelling = job.value.at === "running" && job.value.cancelling;
      job.value = { at: "running", record, lost: false, cancelling };
    }
  }
}

export async function cancel(): Promise<void> {
  const now = job.value;
  if (now.at === "armed") {
    job.value = { at: "none" };
    return;
  }
  if (now.at !== "running") return;
  job.value = { ...now, cancelling: true };
  try {
    take(await wire.cancel(key.value, now.record.request_id));
  } catch (error) {
    if (job.value.at === "running") job.value = { ...job.value, cancelling: false };
    refused(error);
  }
}

/** Back to the form with the same clip. */
export function again(): void {
  stopWatching();
  job.value = { at: "none" };
  address(null);
}

/** A result becomes the source of the next request. */
export function goOn(url: string): void {
  const name = clip.value?.name ?? "clip.mp4";
  again();
  openStored(url, name);
}

export function startOver(): void {
  again();
  closeClip();
}

/** Opens an earlier request, with its source where the server still gives it out. */
export async function reopen(id: string): Promise<void> {
  try {
    const record = await wire.status(key.value, id);
    if (record.payload.video_uri) openStored(record.payload.video_uri, "Earlier clip");
    recall(record.payload);
    follow(record);
  } catch (error) {
    failed(error);
  }
}

/** The result's addresses expire; asks for fresh ones. */
export async function refresh(): Promise<void> {
  const now = job.value;
  if (now.at !== "done") return;
  try {
    const record = await wire.status(key.value, now.record.request_id);
    if (job.value === now && record.status === "success") job.value = { at: "done", record };
  } catch (error) {
    refused(error);
  }
}

export function startRequests(): void {
  effect(() => {
    const sent = transfer.value;
    if (job.value.at !== "armed") return;
    if (sent.at === "done") queueMicrotask(() => job.value.at === "armed" && void submit(sent.uri));
    if (sent.at === "failed") {
      const message = sent.message;
      queueMicrotask(() => {
        job.value = { at: "failed", message, param: "video_uri", record: null };
      });
    }
  });
  const id = new URLSearchParams(location.hash.slice(1)).get("request");
  if (!id) return;
  const stop = effect(() => {
    if (keyState.value !== "good" || clip.value) return;
    queueMicrotask(() => {
      stop();
      void reopen(id);
    });
  });
}
