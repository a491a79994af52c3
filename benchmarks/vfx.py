"""What the 5 s explosion costs: processor seconds and wall time, from source to finished take.

    python benchmarks/vfx.py [720p24 1080p24 1080p30] [--prompt TEXT] [--no-render]

The bundled clip is first brought to each size and rate (not counted). Then, in a process of its
own, the section is generated as a request would: decoding, VfxEngine, sound, and the take's
lossless file; and rendered: encoding the section, copying the rest, verifying the output. Kernels
are compiled and cached by a first, tiny take, whose cost is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from retake.core.request import Limits, Mode, RetakeRequest
from retake.core.watch import Watch
from retake.engines.vfx.engine import VfxEngine
from retake.media.probe import probe
from retake.steps.generate import generate
from retake.steps.plan import Planned, plan_section
from retake.steps.render import render_verified

CLIP = Path(__file__).parent.parent / "demo" / "clip.mp4"
PROMPT = "A dramatic explosion with bright orange flames"
SHAPES = {"360p24": (640, 360, 24), "720p24": (1280, 720, 24), "1080p24": (1920, 1080, 24)}
SHAPES |= {"1080p30": (1920, 1080, 30), "2160p24": (3840, 2160, 24)}
START, DURATION, KEEP_S = Fraction(1), Fraction(5), 8


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", nargs="*", default=["720p24", "1080p24", "1080p30"])
    parser.add_argument("--prompt", default=PROMPT)
    parser.add_argument("--no-render", action="store_true", help="stop when the take is made")
    parser.add_argument("--one", metavar="CLIP", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(Path(options.one), options)
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.prompt!r}")
    with tempfile.TemporaryDirectory() as name:
        for shape in options.shapes:
            clip = Path(name) / f"{shape}.mp4"
            bring_to(clip, *SHAPES[shape])
            tell(shape, measure(clip, options))


def bring_to(path: Path, width: int, height: int, fps: int) -> None:
    """Write the bundled clip's first seconds at another size and rate, without sound."""
    with av.open(CLIP) as source, av.open(path, "w") as out:
        stream: Any = out.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        number = 0
        for frame in source.decode(video=0):
            while number < (frame.time + 1 / 24) * fps and number < KEEP_S * fps:
                shown = frame.reformat(width, height, "yuv420p")
                shown.pts, shown.time_base = number, Fraction(1, fps)
                out.mux(stream.encode(shown))
                number += 1
        out.mux(stream.encode(None))


def measure(clip: Path, options: argparse.Namespace) -> dict[str, float]:
    """Run one take in a process of its own and return its figures."""
    command = [sys.executable, __file__, "--one", str(clip), "--prompt", options.prompt]
    command += ["--no-render"] if options.no_render else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(clip: Path, options: argparse.Namespace) -> None:
    """Make one take and print what it took as JSON."""
    engine, watch, figures = VfxEngine(), Watch(), {}
    began, busy = time.monotonic(), processor_s()
    engine.warm()
    figures["warm_wall_s"], figures["warm_cpu_s"] = time.monotonic() - began, processor_s() - busy
    source = probe(clip, Limits())
    request = RetakeRequest(str(clip), START, DURATION, options.prompt, Mode.AUDIO_AND_VIDEO)
    section = plan_section(request, source.video, Limits())
    planned = Planned(clip, source, section, request, 7, clip.parent)
    began, busy = time.monotonic(), processor_s()
    made = generate(engine, planned, watch)
    figures["make_wall_s"], figures["make_cpu_s"] = time.monotonic() - began, processor_s() - busy
    if not options.no_render:
        began, busy = time.monotonic(), processor_s()
        out = clip.with_name(f"{clip.stem}-out.mp4")
        render_verified([planned], out, [made.files], watch)
        figures["render_wall_s"] = time.monotonic() - began
        figures["render_cpu_s"] = processor_s() - busy
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


def processor_s() -> float:
    """Return the processor seconds of this process and of its finished children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


def tell(shape: str, figures: dict[str, float]) -> None:
    """Print one shape's figures."""
    cpu = figures["make_cpu_s"] + figures.get("render_cpu_s", 0)
    wall = figures["make_wall_s"] + figures.get("render_wall_s", 0)
    print(
        f"{shape:8s} {cpu:6.1f} CPU-s, {wall:6.1f} s wall"
        f" (take {figures['make_cpu_s']:.1f} CPU-s, render {figures.get('render_cpu_s', 0):.1f},"
        f" warming {figures['warm_cpu_s']:.1f}), {figures['peak_mb']:.0f} MB"
    )


if __name__ == "__main__":
    main()
