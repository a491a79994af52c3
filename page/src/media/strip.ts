// One video's pictures and waveform for the timeline, filled in the background.

import { useEffect, useRef } from "preact/hooks";

import { thumbnails, type Matters, type Tile } from "./thumbnails";
import { waveform } from "./waveform";

export interface Strip {
  readonly count: number;
  readonly tiles: Map<number, Tile>;
  peaks: Float32Array | null;
}

const TILE_PX = 108;

/** What is there to draw so far; `changed` is called whenever there is more. */
export function useStrip(
  url: string | null,
  file: File | null,
  ready: boolean,
  matters: Matters,
  changed: () => void,
): { readonly current: Strip | null } {
  const strip = useRef<Strip | null>(null);
  useEffect(() => {
    strip.current = null;
    if (!url || !ready) return;
    const count = Math.max(7, Math.min(22, Math.round(innerWidth / 92)));
    const mine: Strip = { count, tiles: new Map(), peaks: null };
    strip.current = mine;
    const stop = new AbortController();
    const drawn = (tile: Tile) => {
      mine.tiles.set(tile.at, tile);
      changed();
    };
    thumbnails(url, count, TILE_PX, matters, drawn, stop.signal)
      .catch(() => undefined)
      .then(() => (stop.signal.aborted ? null : waveform(url, file, stop.signal)))
      .then((peaks) => {
        mine.peaks = peaks;
        if (!stop.signal.aborted) changed();
      });
    return () => stop.abort();
  }, [url, file, ready]);
  return strip;
}
