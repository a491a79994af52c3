// What this server accepts, as its model's description tells; until then, the hosted model's limits.

import { effect, signal } from "@preact/signals";

import { model } from "../wire/client";
import { key, keyState } from "./key";

/** Seconds that a section must last. */
export const shortest = signal(2);
/** Seconds that a clip may last. */
export const longest = signal(21);

async function learn(): Promise<void> {
  const { parameters } = await model(key.value);
  const duration = parameters?.find(({ name }) => name === "duration");
  if (typeof duration?.min_value === "number") shortest.value = duration.min_value;
  if (typeof duration?.max_value === "number") longest.value = duration.max_value;
}

export function startLimits(): void {
  effect(() => {
    // The usual limits stand where the server does not say.
    if (keyState.value === "good") void learn().catch(() => undefined);
  });
}
