"""Smart render against full re-encode: the same clip, the same take, one run.

    python benchmarks/render.py [--4k] [--seconds 21] [--section 3]

Makes an H.264 + AAC clip on the spot (moving shapes and grain, a keyframe every 2 s), a take of
noise-free pictures, and renders it both ways, each in a process of its own so that the peak of
memory is that render's alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from retake.core.request import Limits, Mode
from retake.core.section import Section
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.media.probe import probe
from retake.media.render import render
from retake.media.sound import sample_at
from retake.media.take import TakeFiles, TakeWriter, write_sound

FPS = Fraction(30)
GRAIN_FRAMES = 8
X264 = {"preset": "veryfast", "crf": "23", "x264-params": "scenecut=0:min-keyint=60"}


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--4k", dest="large", action="store_true", help="3840x2160")
    parser.add_argument("--seconds", type=int, default=21)
    parser.add_argument("--section", type=int, default=3)
    parser.add_argument("--start", type=int, default=8)
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(Path(options.one[0]), full=options.one[1] == "full", options=options)
        return
    size = (3840, 2160) if options.large else (1920, 1080)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{size[0]}x{size[1]}, {options.seconds} s, section of {options.section} s")
        make_source(folder / "source.mp4", size, options.seconds)
        make_take(folder, options)
        figures = {way: measure(folder, way, options) for way in ("smart", "full")}
        tell(folder, figures, options)


def make_source(path: Path, size: tuple[int, int], seconds: int) -> None:
    """Write the clip: big soft shapes that move, with grain that changes with every frame."""
    width, height = size
    rng = np.random.default_rng(7)
    grain = [rng.integers(0, 13, (height, width), np.uint8) for _ in range(GRAIN_FRAMES)]
    y, x = np.mgrid[0:height, 0 : 2 * width].astype(np.float32)
    with av.open(path, "w") as out:
        video: Any = out.add_stream("libx264", rate=FPS, options=X264)
        video.width, video.height, video.pix_fmt, video.gop_size = width, height, "yuv420p", 60
        sound: Any = out.add_stream("aac", rate=48000)
        sound.codec_context.layout, sound.codec_context.bit_rate = "stereo", 192_000
        waves = 60 * np.sin(x / width * 2 * np.pi * 2) * np.cos(y / height * 7)
        backdrop = (100 + waves).astype(np.uint8)
        chroma = np.full((height // 2, width), 128, np.uint8)
        for number in range(int(seconds * FPS)):
            pan = 6 * number % width
            luma = backdrop[:, pan : pan + width] + grain[number % GRAIN_FRAMES]
            left = 11 * number % (width - width // 6)
            luma[height // 3 : height // 2, left : left + width // 6] += 45
            frame = av.VideoFrame.from_ndarray(np.concatenate([luma, chroma]), "yuv420p")
            frame.pts, frame.time_base = number, 1 / FPS
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        samples = rng.normal(0, 0.05, (2, seconds * 48000)).astype(np.float32)
        for start in range(0, samples.shape[1], 1024):
            block = np.ascontiguousarray(samples[:, start : start + 1024])
            heard = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
            heard.sample_rate, heard.pts = 48000, start
            out.mux(sound.encode(heard))
        out.mux(sound.encode(None))


def section_of(folder: Path, options: argparse.Namespace) -> tuple[Any, Section]:
    """Return the probed source and the section."""
    source = probe(folder / "source.mp4", Limits(max_seconds=Fraction(options.seconds)))
    first = int(options.start * FPS)
    last = min(first + int(options.section * FPS), len(source.video.pts))
    start, end = source.video.time_of(first), source.video.time_of(last)
    frames = FrameRange(first, last)
    return source, Section(
        frames, frames, start, end, start, end, start, end - start, clamped=False
    )


def make_take(folder: Path, options: argparse.Namespace) -> None:
    """Write the take: the source's own size, colours that change, noise for sound."""
    source, section = section_of(folder, options)
    width, height = source.video.upright_size
    rng = np.random.default_rng(8)
    y, x = np.mgrid[0:height, 0:width]
    with TakeWriter(folder / "take.mkv", source.video) as writer:
        for number in range(len(section.frames)):
            rgb = np.empty((height, width, 3), np.uint8)
            rgb[..., 0] = (x * 200 // width + 5 * number) % 256
            rgb[..., 1] = y * 200 // height
            rgb[..., 2] = 60 + rng.integers(0, 8, (height, width), np.uint8)
            writer.write(rgb)
    audio = source.audio[0]
    count = sample_at(audio, section.end) - sample_at(audio, section.start)
    noise = rng.normal(0, 0.1, (2, count)).astype(np.float32)
    write_sound(folder / "take.wav", noise, audio.sample_rate)


def measure(folder: Path, way: str, options: argparse.Namespace) -> dict[str, Any]:
    """Render in a process of its own and return what it found."""
    command = [sys.executable, __file__, "--one", str(folder), way]
    for name in ("seconds", "section", "start"):
        command += [f"--{name}", str(getattr(options, name))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(folder: Path, *, full: bool, options: argparse.Namespace) -> None:
    """Render one way and print seconds, processor seconds and memory as JSON."""
    source, section = section_of(folder, options)
    take = TakeFiles(folder / "take.mkv", folder / "take.wav")
    out = folder / ("full.mp4" if full else "smart.mp4")
    began, busy = time.monotonic(), time.process_time()
    rendered = render(
        folder / "source.mp4",
        out,
        source,
        section,
        Mode.AUDIO_AND_VIDEO,
        take,
        Watch(),
        force_full=full,
    )
    seconds, busy = time.monotonic() - began, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    touched = rendered.touched or (0, 0)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": busy,
                # Kilobytes, except where the system counts in bytes.
                "peak_mb": peak / (1024**2 if sys.platform == "darwin" else 1024),
                "action": rendered.video.action,
                "sound": rendered.audio.action,
                "touched": touched,
                "encoded": rendered.video.packets - rendered.video.packets_copied,
            }
        )
    )


def digests(path: Path) -> list[str]:
    """Return a digest of every packet of the pictures, in decode order."""
    with av.open(path) as container:
        return [
            hashlib.sha256(bytes(packet)).hexdigest()
            for packet in container.demux(video=0)
            if packet.size
        ]


def tell(folder: Path, figures: dict[str, dict[str, Any]], options: argparse.Namespace) -> None:
    """Print what was measured."""
    smart, full = figures["smart"], figures["full"]
    before, after = digests(folder / "source.mp4"), digests(folder / "smart.mp4")
    _, section = section_of(folder, options)
    same = sum(a == b for a, b in zip(before, after, strict=True))
    outside = len(before) - len(section.frames)
    for way in ("smart", "full"):
        made = figures[way]
        size = (folder / f"{way}.mp4").stat().st_size / 1e6
        print(
            f"{way:6} {made['seconds']:6.2f} s  {made['cpu_seconds']:6.2f} CPU-s  "
            f"peak {made['peak_mb']:5.0f} MB  {size:6.1f} MB  "
            f"{made['encoded']} frames encoded ({made['action']}, sound {made['sound']})"
        )
    print(f"source                                      {size_mb(folder / 'source.mp4'):6.1f} MB")
    print(
        f"ratio  {full['seconds'] / smart['seconds']:.2f} times faster, "
        f"{full['cpu_seconds'] / smart['cpu_seconds']:.2f} times less processor time"
    )
    print(
        f"kept   {same} of {outside} packets outside the section are byte-identical "
        f"({100 * same / outside:.1f} %)"
    )


def size_mb(path: Path) -> float:
    """Return a file's size in megabytes."""
    return path.stat().st_size / 1e6


if __name__ == "__main__":
    main()
