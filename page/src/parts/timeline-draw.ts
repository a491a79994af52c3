// Draws the timeline's canvas: ruler, strips of pictures, waveform. Pure drawing, no state.

import type { Tile } from "../media/thumbnails";
import { clock } from "../time";

export interface Row {
  readonly count: number;
  readonly tiles: ReadonlyMap<number, Tile>;
}

export interface Wave {
  readonly peaks: Float32Array;
  readonly colour: string;
}

export interface Drawing {
  /** CSS pixels. */
  readonly width: number;
  /** Seconds. */
  readonly length: number;
  readonly rows: readonly Row[];
  readonly waves: readonly Wave[];
}

const RULER_PX = 22;
/** The lane of the section's bar, between ruler and pictures; timeline.css knows it too. */
const LANE_PX = 18;
const ROW_PX = 54;
const WAVE_PX = 34;
const GAP_PX = 3;

export function heightOf(rows: number): number {
  return RULER_PX + LANE_PX + rows * (ROW_PX + GAP_PX) + WAVE_PX;
}

export function draw(canvas: HTMLCanvasElement, drawing: Drawing): void {
  const scale = Math.min(3, devicePixelRatio || 1);
  const height = heightOf(drawing.rows.length);
  canvas.width = Math.max(1, Math.round(drawing.width * scale));
  canvas.height = Math.round(height * scale);
  const paint = canvas.getContext("2d");
  if (!paint) return;
  paint.scale(scale, scale);
  ruler(paint, drawing);
  let top = RULER_PX + LANE_PX;
  for (const row of drawing.rows) {
    strip(paint, row, drawing.width, top);
    top += ROW_PX + GAP_PX;
  }
  waves(paint, drawing, top);
}

/** The ruler's step: the smallest whole one that leaves room for its numbers. */
function stepFor(width: number, length: number): number {
  const room = 84;
  for (const step of [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300]) {
    if ((step / length) * width >= room) return step;
  }
  return 600;
}

function ruler(paint: CanvasRenderingContext2D, { width, length }: Drawing): void {
  const step = stepFor(width, length);
  const small = step / 5;
  paint.font = '500 10.5px "Inter Variable", system-ui, sans-serif';
  paint.textBaseline = "alphabetic";
  for (let at = 0; at * small <= length + 1e-6; at++) {
    const seconds = at * small;
    const x = Math.round((seconds / length) * width) + 0.5;
    const big = at % 5 === 0;
    paint.fillStyle = big ? "#646973" : "#363a41";
    paint.fillRect(x - 0.5, RULER_PX - (big ? 8 : 5), 1, big ? 5 : 2);
    if (!big) continue;
    paint.fillStyle = "#8b919c";
    const words = step < 1 ? clock(seconds).slice(0, -2) : clock(seconds).slice(0, -4);
    const room = paint.measureText(words).width;
    paint.fillText(words, Math.min(Math.max(0, x - room / 2), width - room), RULER_PX - 11);
  }
}

function strip(paint: CanvasRenderingContext2D, row: Row, width: number, top: number): void {
  paint.save();
  paint.beginPath();
  paint.roundRect(0, top, width, ROW_PX, 4);
  paint.clip();
  paint.fillStyle = "#1d2024";
  paint.fillRect(0, top, width, ROW_PX);
  for (const { at, picture } of row.tiles.values()) {
    const left = Math.floor((at * width) / row.count);
    const right = Math.ceil(((at + 1) * width) / row.count);
    cover(paint, picture, left, top, right - left);
  }
  paint.restore();
}

/** Fills the cell without changing the picture's proportions; what hangs over is cut. */
function cover(
  paint: CanvasRenderingContext2D,
  picture: HTMLCanvasElement,
  left: number,
  top: number,
  width: number,
): void {
  const scale = Math.max(width / picture.width, ROW_PX / picture.height);
  const w = width / scale;
  const h = ROW_PX / scale;
  paint.drawImage(
    picture, (picture.width - w) / 2, (picture.height - h) / 2, w, h, left, top, width, ROW_PX,
  );
}

function waves(paint: CanvasRenderingContext2D, { width, waves: all }: Drawing, top: number): void {
  paint.fillStyle = "#16181b";
  paint.beginPath();
  paint.roundRect(0, top, width, WAVE_PX, 4);
  paint.fill();
  const middle = top + WAVE_PX / 2;
  for (const { peaks, colour } of all) {
    paint.fillStyle = colour;
    const bars = Math.floor(width / 3);
    for (let bar = 0; bar < bars; bar++) {
      const from = Math.floor((bar * peaks.length) / bars);
      const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / bars));
      let peak = 0;
      for (let at = from; at < to; at++) peak = Math.max(peak, peaks[at] ?? 0);
      const tall = Math.max(1, Math.sqrt(peak) * (WAVE_PX - 6));
      paint.fillRect(bar * 3, middle - tall / 2, 2, tall);
    }
  }
}
