// Small pictures along a video, drawn from the video itself by an element nobody sees.

export interface Tile {
  /** Which of `count` equal parts of the video it stands for. */
  readonly at: number;
  readonly picture: HTMLCanvasElement;
}

/** Which part of the video is looked at first, in shares of its length. */
export type Matters = readonly [from: number, to: number];

const SEEK_LIMIT_MS = 8000;

function event(target: HTMLVideoElement, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const mine = new AbortController();
    const settle = (end: () => void) => () => {
      mine.abort();
      clearTimeout(limit);
      end();
    };
    const limit = setTimeout(settle(() => fail(new Error(`no ${name}`))), SEEK_LIMIT_MS);
    const options = { once: true, signal: mine.signal };
    target.addEventListener(name, settle(done), options);
    target.addEventListener("error", settle(() => fail(new Error("cannot be shown"))), options);
    signal.addEventListener("abort", settle(() => fail(signal.reason)), options);
  });
}

/** 0 … count−1, coarse first: the strip is readable after a few pictures. */
function spreadOut(count: number): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  for (let step = 1; step <= count * 2; step *= 2) {
    for (let part = 0; part < step; part++) {
      const at = Math.floor(((part + 0.5) * count) / step);
      if (at < count && !seen.has(at)) {
        seen.add(at);
        order.push(at);
      }
    }
  }
  for (let at = 0; at < count; at++) if (!seen.has(at)) order.push(at);
  return order;
}

/** Places inside `matters` (shares of the whole) before all others. */
function inOrder(count: number, [from, to]: Matters): number[] {
  const inside = (at: number) => at + 1 > from * count && at < to * count;
  const all = spreadOut(count);
  return [...all.filter(inside), ...all.filter((at) => !inside(at))];
}

/** Draws `count` pictures `height` pixels high, handing over each as soon as it is there. */
export async function thumbnails(
  url: string,
  count: number,
  height: number,
  matters: Matters,
  drawn: (tile: Tile) => void,
  signal: AbortSignal,
): Promise<void> {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.preload = "auto";
  video.src = url;
  try {
    await event(video, "loadeddata", signal);
    const width = Math.max(1, Math.round((height * video.videoWidth) / video.videoHeight));
    for (const at of inOrder(count, matters)) {
      const arrived = event(video, "seeked", signal);
      video.currentTime = ((at + 0.5) * video.duration) / count;
      await arrived;
      const picture = document.createElement("canvas");
      picture.width = width;
      picture.height = height;
      picture.getContext("2d")?.drawImage(video, 0, 0, width, height);
      drawn({ at, picture });
    }
  } finally {
    video.removeAttribute("src");
    video.load();
  }
}
