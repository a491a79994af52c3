"""Sources and takes for the benchmarks: a moving test picture with grain, made once and kept.

The picture is FFmpeg's testsrc2 with temporal noise; encoders run with quick presets and a
keyframe every two seconds. Files are kept in a folder between runs, and appear whole or not at all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
import numpy as np

from retake.core.request import Limits
from retake.core.section import Section
from retake.core.source import Source
from retake.core.timing import FrameRange
from retake.media.pace import usual_pace
from retake.media.probe import probe
from retake.media.sound import sample_at
from retake.media.take import TakeFiles, TakeWriter, write_sound

FPS = Fraction(30)
GOP = 60
RATE = 48000
SIZES = {"360p": (640, 360), "1080p": (1920, 1080), "4k": (3840, 2160)}


@dataclass(frozen=True)
class Kind:
    """How the sources of one row are encoded."""

    encoder: str
    ending: str
    pix_fmt: str
    options: dict[str, str]
    sound: str = "aac"
    bframes: int = 3


KINDS = {
    "h264": Kind("libx264", ".mp4", "yuv420p", {"preset": "veryfast", "crf": "23"}),
    "hevc": Kind(
        "libx265",
        ".mp4",
        "yuv420p",
        {
            "preset": "ultrafast",
            "crf": "26",
            "x265-params": "log-level=none:keyint=60:min-keyint=60:open-gop=0:bframes=3",
        },
    ),
    "vp9": Kind(
        "libvpx-vp9",
        ".webm",
        "yuv420p",
        {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "crf": "40", "b": "0"},
        "libopus",
        0,
    ),
    "av1": Kind("libsvtav1", ".mp4", "yuv420p", {"preset": "12", "crf": "40"}, bframes=0),
    "prores": Kind("prores", ".mov", "yuv422p10le", {"profile": "1"}, "pcm_s16le", 0),
}


def source_of(folder: Path, kind: str, size: str, seconds: int) -> Path:
    """Return the source of a row, made now unless the folder holds it already."""
    how = KINDS[kind]
    path = folder / f"{kind}-{size}-{seconds}s{how.ending}"
    if not path.exists():
        part = path.with_name(f".{os.getpid()}-{path.name}")
        try:
            _write(part, how, SIZES[size], seconds)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return path


def _write(path: Path, how: Kind, size: tuple[int, int], seconds: int) -> None:
    with av.open(path, "w") as out:
        video: Any = out.add_stream(how.encoder, rate=FPS, options=dict(how.options))
        video.width, video.height, video.pix_fmt = *size, how.pix_fmt
        video.gop_size, video.max_b_frames = GOP, how.bframes
        video.codec_context.time_base = 1 / FPS
        video.codec_context.thread_count = os.cpu_count() or 1
        sound: Any = out.add_stream(how.sound, rate=RATE)
        sound.codec_context.layout = "stereo"
        with usual_pace():
            out.start_encoding()
        samples = np.random.default_rng(7).normal(0, 0.05, (seconds, 2, RATE)).astype(np.float32)
        for number, frame in enumerate(_pictures(size, seconds, how.pix_fmt)):
            frame.pts, frame.time_base, frame.pict_type = number, 1 / FPS, 0
            out.mux(video.encode(frame))
            if number % FPS == 0:
                second = number // int(FPS)
                _hear(out, sound, samples[second], second * RATE)
        out.mux(video.encode(None))
        out.mux(sound.encode(None))


def _hear(out: Any, track: Any, samples: Any, start: int) -> None:
    for at in range(0, RATE, 960):
        block = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[:, at : at + 960]), "fltp", "stereo"
        )
        block.sample_rate, block.pts, block.time_base = RATE, start + at, Fraction(1, RATE)
        out.mux(track.encode(block))


def _pictures(size: tuple[int, int], seconds: int, pix_fmt: str) -> Any:
    graph = av.filter.Graph()
    chain = [
        graph.add("testsrc2", f"size={size[0]}x{size[1]}:rate={FPS}:duration={seconds}"),
        graph.add("noise", "alls=4:allf=t"),
        graph.add("format", pix_fmt),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*chain).configure()
    for _ in range(int(seconds * FPS)):
        yield graph.vpull()


def section_of(path: Path, start: int, length: int) -> tuple[Source, Section]:
    """Return the probed source and the section that starts after so many seconds."""
    source = probe(path, Limits(max_seconds=Fraction(3600), max_bytes=2**40))
    first = int(start * FPS)
    last = min(first + int(length * FPS), len(source.video.pts))
    begin, end = source.video.time_of(first), source.video.time_of(last)
    frames = FrameRange(first, last)
    return source, Section(
        frames, frames, begin, end, begin, end, begin, end - begin, clamped=False
    )


def take_for(folder: Path, source: Source, section: Section) -> TakeFiles:
    """Write a take: moving colours with grain, as busy as the source, and noise to hear."""
    width, height = source.video.upright_size
    deep = source.video.bit_depth > 8
    noise = np.random.default_rng(8)
    grain = [noise.integers(0, 12, (height, width), np.uint8) for _ in range(8)]
    y, x = np.mgrid[0:height, 0:width]
    take = TakeFiles(folder / "take.nut", folder / "take.wav")
    with TakeWriter(folder / "take.nut", source.video) as writer:
        for number in range(len(section.frames)):
            rgb = np.empty((height, width, 3), np.uint8)
            rgb[..., 0] = (x * 200 // width + 5 * number) % 240
            rgb[..., 1] = y * 200 // height
            rgb[..., 2] = 60
            rgb += grain[number % len(grain)][..., None]
            writer.write(rgb.astype(np.uint16) * 257 if deep else rgb)
    audio = source.audio[0]
    count = sample_at(audio, section.end) - sample_at(audio, section.start)
    heard = noise.normal(0, 0.1, (audio.channels, count)).astype(np.float32)
    write_sound(folder / "take.wav", heard, audio.sample_rate)
    return take
