// The playhead. It moves without rendering anything anew; its spoken time changes when it rests.

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import * as deck from "../media/deck";
import { spoken, toMs } from "../time";

export function Playhead({ length }: { length: number }) {
  const line = useRef<HTMLDivElement>(null);
  useEffect(
    () =>
      effect(() => {
        const at = deck.position.value;
        const mark = line.current;
        if (!mark) return;
        mark.style.left = `${Math.min(100, (100 * at) / length)}%`;
        if (deck.playing.value) return;
        mark.setAttribute("aria-valuenow", String(toMs(at)));
        mark.setAttribute("aria-valuetext", spoken(at));
      }),
    [length],
  );
  const keys = (event: KeyboardEvent) => {
    const at = deck.position.peek();
    const step = event.ctrlKey ? 0.01 : event.shiftKey ? 1 : 0.1;
    const next: Record<string, number> = {
      ArrowLeft: at - step, ArrowDown: at - step, ArrowRight: at + step, ArrowUp: at + step,
      PageDown: at - 1, PageUp: at + 1, Home: 0, End: length,
    };
    const to = next[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    deck.pause();
    deck.seek(to);
  };
  return (
    <div
      ref={line}
      class="playhead"
      role="slider"
      tabIndex={0}
      aria-label="Playhead"
      aria-valuemin={0}
      aria-valuemax={toMs(length)}
      aria-valuenow={0}
      onKeyDown={keys}
    />
  );
}
