"""Smart render against full re-encode: the same clip, the same take, one run, a line a row.

    python benchmarks/render.py [ROW …] [--sizes 1080p 4k] [--seconds 21] [--section 3]

Rows are h264, hevc, vp9, av1, prores, and sound, which replaces nothing but the sound of an H.264
clip. Sources are made on the spot and kept in a folder of the system's temporary one (--cache).
Every render has a process of its own, so that the peak of memory is that render's alone.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from footage import KINDS, SIZES, section_of, source_of, take_for
from retake.core.request import Mode
from retake.core.watch import Watch
from retake.media.proof.verify import verify
from retake.media.render import render
from retake.media.take import TakeFiles

GOALS = {("h264", "1080p"): 5.0, ("hevc", "1080p"): 6.0, ("h264", "4k"): 2.5, ("hevc", "4k"): 7.0}
"""How many times faster than the full re-encode the smart render is to be."""

SOUND_GOAL_S = 2.0
HEAD = (
    "row     size      smart      full   ratio  goal     cpu smart/full   ratio   "
    "peak smart/full    size source/smart/full    kept   verify"
)


@dataclass(frozen=True)
class Way:
    """One render, measured: seconds by the clock and of processor time, megabytes."""

    seconds: float
    cpu_s: float
    peak_mb: float
    out_mb: float
    action: str
    reason: str | None
    exact_pads: bool
    verify_s: float
    verify_mb: float
    failed: list[str]


def main() -> None:
    """Run the rows that were asked for and print each as it finishes."""
    options = _options()
    if options.one:
        _one(*options.one, options)
        return
    options.cache.mkdir(parents=True, exist_ok=True)
    print(f"{options.seconds} s, section of {options.section} s from {options.start} s")
    print(HEAD, flush=True)
    for size in options.sizes:
        for row in options.rows:
            _row(row, size, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    rows = [*KINDS, "sound"]
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(rows))
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=["1080p"])
    parser.add_argument("--seconds", type=int, default=21)
    parser.add_argument("--section", type=int, default=3)
    parser.add_argument("--start", type=int, default=8)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "retake-benchmarks"
    )
    parser.add_argument("--one", nargs=4, metavar=("SRC", "FOLDER", "MODE", "WAY"), help="")
    options = parser.parse_args()
    options.rows = options.rows or rows
    if not set(options.rows) <= set(rows):
        parser.error(f"rows are {', '.join(rows)}")
    return options


def _row(row: str, size: str, options: argparse.Namespace) -> None:
    src = source_of(options.cache, "h264" if row == "sound" else row, size, options.seconds)
    mode = Mode.AUDIO if row == "sound" else Mode.AUDIO_AND_VIDEO
    with tempfile.TemporaryDirectory(dir=options.cache) as name:
        folder = Path(name)
        source, section = section_of(src, options.start, options.section)
        take_for(folder, source, section)
        smart = _measure(src, folder, mode, "smart", options)
        full = None if row == "sound" else _measure(src, folder, mode, "full", options)
        kept = _kept(src, folder / f"smart{src.suffix}", len(section.frames))
    source_mb = src.stat().st_size / 1e6
    print(_line(row, size, smart, full, source_mb, kept), flush=True)
    for way, made in (("smart", smart), ("full", full)):
        if made and made.failed:
            print(f"        {way}: FAILED its verification: {'; '.join(made.failed)}", flush=True)
    if smart.reason:
        print(f"        smart: {smart.action}: {smart.reason}", flush=True)


def _line(row: str, size: str, smart: Way, full: Way | None, source_mb: float, kept: float) -> str:
    goal = GOALS.get((row, size))
    if full is None:
        ratio, wanted, times = "", f"< {SOUND_GOAL_S:.0f} s", "        "
        worked = f"{smart.cpu_s:7.2f}s{'':16}"
        peaks, sizes = f"{smart.peak_mb:6.0f}       MB", f"{source_mb:6.1f}/{smart.out_mb:6.1f}"
    else:
        ratio, wanted = f"{full.seconds / smart.seconds:5.2f}x", f"{goal}x" if goal else "-"
        times = f"{full.seconds:7.2f}s"
        worked = f"{smart.cpu_s:7.2f}/{full.cpu_s:7.2f}s {full.cpu_s / smart.cpu_s:5.2f}x"
        peaks = f"{smart.peak_mb:6.0f}/{full.peak_mb:5.0f} MB"
        sizes = f"{source_mb:6.1f}/{smart.out_mb:6.1f}/{full.out_mb:6.1f} MB"
    return (
        f"{row:7} {size:5} {smart.seconds:8.2f}s {times:>9} {ratio:>7} {wanted:>5} {worked} "
        f"{peaks:>17}  {sizes:>24} {100 * kept:6.1f}% "
        f"{smart.verify_s:6.1f}s {smart.verify_mb:.0f} MB"
    )


def _measure(src: Path, folder: Path, mode: Mode, way: str, options: argparse.Namespace) -> Way:
    """Render in a process of its own and return what it found."""
    command = [sys.executable, __file__, "--one", str(src), str(folder), mode.value, way]
    for name in ("seconds", "section", "start"):
        command += [f"--{name}", str(getattr(options, name))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return Way(**json.loads(done.stdout.splitlines()[-1]))


def _one(src_name: str, folder_name: str, mode_name: str, way: str, options: Any) -> None:
    """Render one way and print what it took as JSON."""
    src, folder, mode = Path(src_name), Path(folder_name), Mode(mode_name)
    source, section = section_of(src, options.start, options.section)
    take = TakeFiles(folder / "take.nut", folder / "take.wav")
    out = folder / f"{way}{src.suffix}"
    began, worked = time.monotonic(), _cpu_s()
    rendered = render(src, out, source, section, mode, take, Watch(), force_full=way == "full")
    seconds, worked, peak = time.monotonic() - began, _cpu_s() - worked, _peak_mb()
    began = time.monotonic()
    checks = verify(src, out, source, section, mode, rendered)
    way_taken = Way(
        seconds=seconds,
        cpu_s=worked,
        peak_mb=peak,
        out_mb=out.stat().st_size / 1e6,
        action=rendered.video.action.value,
        reason=None if way == "full" else rendered.video.reason,
        exact_pads=rendered.exact_pads,
        verify_s=time.monotonic() - began,
        verify_mb=_peak_mb(),
        failed=[f"{check.name}: {check.detail}" for check in checks if not check.passed],
    )
    print(json.dumps(vars(way_taken)))


def _cpu_s() -> float:
    """Return the processor time so far, which other work on the machine changes less."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes, except where the system counts in bytes.
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def _kept(src: Path, out: Path, section: int) -> float:
    """Return the share of packets outside the section that are the source's own, bytes and all."""
    before, after = _digests(src), _digests(out)
    kept = sum(a == b for a, b in zip(before, after, strict=False))
    return min(kept / max(len(before) - section, 1), 1.0)


def _digests(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [
            hashlib.blake2b(bytes(packet), digest_size=16).digest()
            for packet in container.demux(video=0)
            if packet.size
        ]


if __name__ == "__main__":
    main()
