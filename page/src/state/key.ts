// The API key: from the address (`#key=…`), from an earlier visit, or typed in.

import { signal } from "@preact/signals";

import { ApiError, list } from "../wire/client";

export type KeyState = "missing" | "checking" | "good" | "rejected" | "unreachable";

const STORED = "retake.key";

export const key = signal("");
export const keyState = signal<KeyState>("missing");
/** What the server said of a rejected key. */
export const keyComplaint = signal("");

function remember(value: string): void {
  // Private windows may refuse storage; the key then lasts as long as the page.
  try {
    if (value) localStorage.setItem(STORED, value);
    else localStorage.removeItem(STORED);
  } catch {}
}

function remembered(): string {
  try {
    return localStorage.getItem(STORED) ?? "";
  } catch {
    return "";
  }
}

/** Takes the key out of the address bar, so that it is neither bookmarked nor shown on a screen. */
function fromAddress(): string {
  const parts = new URLSearchParams(location.hash.slice(1));
  const given = parts.get("key") ?? "";
  if (given) {
    parts.delete("key");
    const rest = parts.toString();
    history.replaceState(null, "", location.pathname + location.search + (rest && `#${rest}`));
  }
  return given;
}

export async function useKey(given: string): Promise<void> {
  const value = given.trim();
  key.value = value;
  remember(value);
  if (!value) {
    keyState.value = "missing";
    return;
  }
  keyState.value = "checking";
  try {
    await list(value, 1);
    if (key.value === value) keyState.value = "good";
  } catch (error) {
    if (key.value === value) refused(error);
  }
}

/** Notes what an error says about the key; tells whether it was about the key. */
export function refused(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  if (error.status === 401 || error.status === 403) {
    keyState.value = "rejected";
    keyComplaint.value = error.message;
    return true;
  }
  if (error.status === 0 && keyState.value === "checking") keyState.value = "unreachable";
  else if (keyState.value === "checking") keyState.value = "good";
  return false;
}

export function forgetKey(): void {
  void useKey("");
}

export function startKey(): void {
  void useKey(fromAddress() || remembered());
  addEventListener("hashchange", () => {
    const given = fromAddress();
    if (given) void useKey(given);
  });
}
