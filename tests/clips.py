"""Tiny clips for tests: every frame shows its own number, every clip has a tone.

`make_clip` writes a whole file with PyAV; `frame_number` reads the number back from a decoded
picture, after any of our codecs, so a test can tell exactly which frame it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.media.pace import usual_pace

CODE_BITS = 10
LAYOUTS = {
    1: "mono",
    2: "stereo",
    3: "2.1",
    4: "quad",
    5: "5.0",
    6: "5.1",
    7: "6.1",
    8: "7.1",
}


def picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Return RGB ``[height, width, 3]``: a drifting gradient, a moving square, a number in bits."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[..., 0] = 40 + 120 * x // width
    rgb[..., 1] = 60 + 100 * y // height
    rgb[..., 2] = 90 + 40 * np.sin((x + 3 * number) / width * 6.28)
    side = max(height // 5, 2)
    left = (7 * number) % max(width - side, 1)
    rgb[height // 3 : height // 3 + side, left : left + side] = (230, 200, 60)
    top = height - height // 5
    for bit in range(CODE_BITS):
        edges = width * bit // CODE_BITS, width * (bit + 1) // CODE_BITS
        rgb[top:, edges[0] : edges[1]] = 235 if number >> bit & 1 else 20
    return rgb


def frame_number(rgb: NDArray[Any]) -> int:
    """Return the number that `picture` wrote into an upright frame."""
    height, width = rgb.shape[:2]
    scale = np.iinfo(rgb.dtype).max
    row = rgb[height - height // 10].astype(float).mean(axis=-1) / scale
    centres = [(2 * bit + 1) * width // (2 * CODE_BITS) for bit in range(CODE_BITS)]
    return sum(int(row[x] > 0.5) << bit for bit, x in enumerate(centres))


def tone(seconds: float | Fraction, rate: int, channels: int) -> NDArray[np.float32]:
    """Return float32 ``[channels, samples]``: another steady tone in each channel, at -14 dBFS."""
    t = np.arange(round(Fraction(seconds) * rate)) / rate
    return np.stack(
        [0.2 * np.sin(2 * np.pi * (330 + 110 * channel) * t) for channel in range(channels)]
    ).astype(np.float32)


def make_clip(
    path: Path,
    *,
    codec: str | None = "libx264",
    seconds: float | Fraction = 4,
    fps: Fraction = Fraction(24),
    size: tuple[int, int] = (192, 108),
    gop: int = 24,
    bframes: int = 2,
    audio: str | None = "aac",
    channels: int = 2,
    rate: int = 48000,
    rotation: int = 0,
    pix_fmt: str = "yuv420p",
    container: str | None = None,
    variable: bool = False,
    full_range: bool = False,
    matrix: int | None = None,
    codec_options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    sound: NDArray[np.float32] | None = None,
    prepare: Callable[[Any, Any], None] | None = None,
) -> Path:
    """Write a clip and return its path.

    Args:
        path: Its ending picks the container unless `container` (FFmpeg's muxer name) does.
        codec: FFmpeg's encoder of the pictures; None for sound alone.
        seconds: Length of the pictures (at a constant rate) and of the sound.
        fps: Frames a second.
        size: Width and height as stored; with `rotation` 90 or 270 a viewer sees them swapped.
        gop: Frames from one keyframe to the next; there are no others.
        bframes: Most B-frames in a row.
        audio: FFmpeg's encoder of the sound; None for no sound.
        channels: 1 to 8.
        rate: Samples a second.
        rotation: Clockwise turn that shows the pictures upright.
        pix_fmt: Pixel format as stored.
        container: FFmpeg's muxer name.
        variable: Show every third frame for twice as long.
        full_range: Store (and tag) full range instead of studio range.
        matrix: Matrix tag, 1 for BT.709, 5 or 6 for BT.601; None leaves it untagged.
        codec_options: More options for the picture encoder.
        container_options: Options for the muxer, such as ``movflags``.
        sound: Samples to use instead of `tone`.
        prepare: Gets the two new streams, None for one that is not wanted, before anything is
            encoded.
    """
    with av.open(path, "w", format=container, options=dict(container_options or {})) as out:
        video = _add_video(out, codec, fps, size, gop, bframes, pix_fmt, codec_options)
        if video is not None:
            video.codec_context.color_range = 2 if full_range else 1
            if matrix is not None:
                video.codec_context.colorspace = matrix
            if rotation:
                # FFmpeg counts counter-clockwise.
                video.set_display_rotation(-rotation)
        track = None
        if audio is not None:
            track = out.add_stream(audio, rate=rate)
            track.codec_context.layout = LAYOUTS[channels]
        if prepare is not None:
            prepare(video, track)
        with usual_pace():
            out.start_encoding()
        if video is not None:
            _write_pictures(
                out, video, round(Fraction(seconds) * fps), fps, rotation, variable, matrix
            )
        if track is not None:
            samples = tone(seconds, rate, channels) if sound is None else sound
            _write_sound(out, track, samples, rate)
    return path


def _add_video(
    out: Any,
    codec: str | None,
    fps: Fraction,
    size: tuple[int, int],
    gop: int,
    bframes: int,
    pix_fmt: str,
    options: dict[str, str] | None,
) -> Any:
    if codec is None:
        return None
    quick = {
        "libx264": {"preset": "veryfast", "crf": "18", "x264-params": "scenecut=0:log-level=error"},
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:scenecut=0"},
        "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
        "libsvtav1": {"preset": "12"},
    }.get(codec, {})
    video = out.add_stream(codec, rate=fps, options=quick | (options or {}))
    video.width, video.height = size
    video.pix_fmt = pix_fmt
    video.gop_size = gop
    video.max_b_frames = bframes
    video.codec_context.time_base = 1 / fps
    video.codec_context.thread_count = 1
    return video


def _write_pictures(
    out: Any,
    video: Any,
    count: int,
    fps: Fraction,
    rotation: int,
    variable: bool,
    matrix: int | None,
) -> None:
    width, height = video.width, video.height
    if rotation % 180:
        width, height = height, width
    pts = 0
    for number in range(count):
        stored = np.ascontiguousarray(np.rot90(picture(number, width, height), rotation // 90))
        frame = av.VideoFrame.from_ndarray(stored, "rgb24").reformat(
            format=video.pix_fmt,
            src_color_range=2,
            dst_color_range=video.codec_context.color_range,
            dst_colorspace={None: None, 1: 1, 5: 5, 6: 5}[matrix],
        )
        frame.pts, frame.time_base = pts, 1 / fps
        pts += 2 if variable and number % 3 == 2 else 1
        out.mux(video.encode(frame))
    out.mux(video.encode(None))


def _write_sound(out: Any, track: Any, samples: NDArray[np.float32], rate: int) -> None:
    layout = track.codec_context.layout.name
    for start in range(0, samples.shape[1], 4800):
        # PyAV counts one plane too many in planar frames of eight channels; packed ones have one.
        packed = np.ascontiguousarray(samples[:, start : start + 4800].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        out.mux(track.encode(frame))
    out.mux(track.encode(None))
