"""A page's own player: seeking it, playing it, and looking at the pixels that it shows."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from tests.clips import CODE_BITS

# Every wait has an end, and a player's own complaint ends it at once.
_TOOLS = """
const player = document.querySelector('video'), canvas = document.querySelector('canvas');
const heard = (name, limit) => new Promise((resolve, reject) => {
  const late = setTimeout(() => reject(new Error('no ' + name)), limit);
  const failed = () => { clearTimeout(late); reject(new Error(player.error?.message ?? 'error')); };
  player.addEventListener('error', failed, {once: true});
  player.addEventListener(name, () => {
    clearTimeout(late); player.removeEventListener('error', failed); resolve();
  }, {once: true});
});
const shown = (limit) => new Promise((resolve, reject) => {
  const late = setTimeout(() => reject(new Error('no picture')), limit);
  player.requestVideoFrameCallback((_, told) => { clearTimeout(late); resolve(told.mediaTime); });
});
"""
_LOAD = (
    "async ([url]) => {"
    + _TOOLS
    + """
  const ready = heard('canplaythrough', 20000);
  player.src = url; player.load(); await ready;
  canvas.width = player.videoWidth; canvas.height = player.videoHeight;
  return [player.videoWidth, player.videoHeight, player.duration];
}"""
)
_SEEK = (
    "async ([time]) => {"
    + _TOOLS
    + """
  const done = heard('seeked', 20000), picture = shown(20000);
  player.currentTime = time;
  await done;
  const told = await picture;
  canvas.getContext('2d', {willReadFrequently: true}).drawImage(player, 0, 0);
  return [told, canvas.toDataURL('image/png').split(',')[1]];
}"""
)
_PLAY = (
    "async ([rate, bits]) => {"
    + _TOOLS
    + """
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const seen = [], width = canvas.width, row = canvas.height - Math.floor(canvas.height / 10);
  const back = heard('seeked', 20000);
  player.currentTime = 0; await back;
  const look = () => {
    // The screen may be a picture further by now than what the callback was told: ask the frame.
    const frame = new VideoFrame(player);
    pen.drawImage(frame, 0, 0);
    const line = pen.getImageData(0, row, width, 1).data;
    let number = 0;
    for (let bit = 0; bit < bits; bit++) {
      const at = 4 * Math.floor((2 * bit + 1) * width / (2 * bits));
      number += (line[at] + line[at + 1] + line[at + 2] > 382) << bit;
    }
    seen.push([frame.timestamp / 1e6, number]);
    frame.close();
    player.requestVideoFrameCallback(look);
  };
  player.requestVideoFrameCallback(look);
  const ended = heard('ended', 60000);
  player.playbackRate = rate;
  await player.play(); await ended;
  const quality = player.getVideoPlaybackQuality();
  return [seen, quality.corruptedVideoFrames ?? 0];
}"""
)


@dataclass(frozen=True)
class Loaded:
    """What a player says of a file: size as shown, seconds."""

    width: int
    height: int
    seconds: float


def load(page: Page, url: str) -> Loaded:
    """Load a file into the page's player; what the player complains of is raised."""
    return Loaded(*page.evaluate(_LOAD, [url]))


def seek(page: Page, time: float) -> tuple[float, NDArray[Any]]:
    """Seek; return the time of the picture then shown, and the picture ``[height, width, 3]``."""
    told, png = page.evaluate(_SEEK, [time])
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        return told, np.asarray(image.convert("RGB"))


def play(page: Page, rate: float) -> tuple[Sequence[tuple[float, int]], int]:
    """Play from the start to the end.

    Returns:
        The time of each picture that came to the screen with the number that it showed, and how
        many pictures the player calls corrupt.
    """
    seen, corrupt = page.evaluate(_PLAY, [rate, CODE_BITS])
    return [(time, number) for time, number in seen], corrupt
