// Times as people read and type them. Everything is seconds; one millisecond is the finest step.

/** Rounds to whole milliseconds, so that fields, handles and the wire always agree. */
export function toMs(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** `63.25` → `1:03.250`. */
export function clock(seconds: number): string {
  const ms = Math.max(0, Math.round(seconds * 1000));
  const rest = (ms % 60000) / 1000;
  return `${Math.floor(ms / 60000)}:${rest < 10 ? "0" : ""}${rest.toFixed(3)}`;
}

/** Without the milliseconds, for lists: `1:03`. */
export function shortClock(seconds: number): string {
  return clock(Math.floor(seconds)).slice(0, -4);
}

/** The same for ears: `1 minute 3.25 seconds`. */
export function spoken(seconds: number): string {
  const ms = Math.max(0, Math.round(seconds * 1000));
  const minutes = Math.floor(ms / 60000);
  const rest = `${(ms % 60000) / 1000} seconds`;
  if (minutes === 0) return rest;
  return `${minutes} ${minutes === 1 ? "minute" : "minutes"} ${rest}`;
}

/** Reads `3`, `3.5`, `0:03.500`, `1:00:03` or `3,5`; null where it is none of these. */
export function parseClock(text: string): number | null {
  const parts = text.trim().replace(/\s*s$/, "").replace(",", ".").split(":");
  if (parts.length > 3) return null;
  let seconds = 0;
  for (const [at, part] of parts.entries()) {
    const last = at === parts.length - 1;
    if (!(last ? /^\d+(\.\d*)?$|^\.\d+$/ : /^\d+$/).test(part)) return null;
    seconds = seconds * 60 + Number(part);
  }
  return toMs(seconds);
}

/** How long something still takes, roughly: `12 s`, `2 min 5 s`. */
export function roughly(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const rest = whole % 60;
  return rest === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${rest} s`;
}

/** `2659901` → `2.7 MB`. */
export function bytes(count: number): string {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} kB`;
  if (count < 1e9) return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
  return `${(count / 1e9).toFixed(2)} GB`;
}

/** When something was, seen from now: `5 minutes ago`. `at` is Unix time in seconds. */
export function ago(at: number): string {
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const minutes = Math.round((at - Date.now() / 1000) / 60);
  if (minutes > -60) return minutes >= 0 ? "just now" : words.format(minutes, "minute");
  if (minutes > -60 * 24) return words.format(Math.round(minutes / 60), "hour");
  return words.format(Math.round(minutes / 60 / 24), "day");
}
