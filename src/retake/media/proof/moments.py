"""Small pictures of both files along the time, for people to look at."""

from __future__ import annotations

import base64
import io
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from PIL import Image

from retake.core.proof import Proof, Still
from retake.core.request import Limits
from retake.core.source import Source
from retake.core.watch import Stage, Watch
from retake.media.look.still import stills
from retake.media.probe import probe
from retake.media.proof.reading import read_file

COUNT = 12
"""Pictures of each file."""

BOX = 240, 180
"""Most width and height of one."""

_ANY = Limits(
    max_seconds=Fraction(24 * 3600),
    max_long_side=16384,
    max_short_side=16384,
    max_bytes=sys.maxsize,
)


def with_stills(proof: Proof, src: Path, out: Path, watch: Watch) -> Proof:
    """Return a proof with pictures of both files at the same moments, evenly along the source.

    Raises:
        BadSource: `damaged`: a picture cannot be decoded.
        Cancelled: The watch was cancelled.
    """
    source, output = probe(src, _ANY), probe(out, _ANY)
    times = [proof.duration * (2 * at + 1) / (2 * COUNT) for at in range(COUNT)]
    sets = [_pictures(path, one, times, watch) for path, one in ((src, source), (out, output))]
    made = [Still(time, *pictures) for time, *pictures in zip(times, *sets, strict=True)]
    return replace(proof, stills=tuple(made))


def _pictures(path: Path, source: Source, times: Sequence[Fraction], watch: Watch) -> list[str]:
    """Return the picture shown at each moment as PNG in base64; empty behind the film's end."""
    shown = [bisect_right(source.video.times, time) - 1 for time in times]
    numbers = sorted(
        {number for number, time in zip(shown, times, strict=True) if time < source.video.duration}
    )
    found: dict[int, Image.Image] = {}
    for group in _groups(numbers, _keyframes(path, source)):
        watch.progress(Stage.VERIFY, len(found), len(numbers))
        found |= stills(path, source, group, BOX, watch.check)
    return [_png(found.get(number)) for number in shown]


def _groups(numbers: Sequence[int], keys: Sequence[int]) -> list[list[int]]:
    """Return the numbers in groups that share a keyframe: each is decoded from it in one go."""
    groups: dict[int, list[int]] = {}
    for number in numbers:
        groups.setdefault(bisect_right(keys, number), []).append(number)
    return list(groups.values())


def _keyframes(path: Path, source: Source) -> list[int]:
    """Return the numbers of the frames that are keyframes."""
    number = {pts: at for at, pts in enumerate(source.video.pts)}
    packets = read_file(path).streams[source.video.index].packets
    return sorted(number[packet.pts] for packet in packets if packet.key and packet.pts in number)


def _png(picture: Image.Image | None) -> str:
    if picture is None:
        return ""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
