"""Splicing codecs whose pictures stand alone: the section's packets go, and no other one does.

Some of the lossless ones may hold pictures that lean on the one before; what is encoded around
the section then loses nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import TypeVar

from retake.media.bitstream.intra import (
    ProresFrame,
    Vc3Frame,
    parse_jpeg,
    parse_prores,
    parse_vc3,
)
from retake.media.packets import index_packets
from retake.media.pictures.recipe import Recipe
from retake.media.pictures.recipes import intra
from retake.media.pictures.runs import Run, encode_runs
from retake.media.pictures.spans import plan_smart
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.unspliceable import Unspliceable

LOSSLESS = frozenset(intra.LOSSLESS)
"""FFmpeg's names of the codecs here that lose nothing."""


def splice(task: Task) -> Spliced:
    """Encode the section; keep every other packet.

    Raises:
        Unspliceable: This stream cannot be spliced; the text says why.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    look = _LOOKS.get(task.video.codec, _Look)()

    def is_clean(data: bytes, *, key: bool) -> bool:
        look.at(data)
        return key or task.video.codec in _LOOKS

    packets = index_packets(task.src, task.video.index, is_clean)
    plan = plan_smart(packets, task.section_pts)
    run = Run(look.recipe(task), plan.region, look.checked, "mov")
    (encoded,) = encode_runs(task, packets, plan, [run])
    order = (*range(plan.cut), *encoded.samples, *range(plan.resume, plan.count))
    return Spliced(packets, plan, order, exact_pads=True)


class _Look:
    """Looks at every packet of a stream once; then knows how to encode others like them."""

    def at(self, data: bytes) -> None:
        """Look at one of the stream's packets.

        Raises:
            Unspliceable: It cannot be one.
        """

    def checked(self, data: bytes) -> bytes:
        """Return an encoder's packet.

        Raises:
            Unspliceable: It is not like the stream's own.
        """
        return data

    def recipe(self, task: Task) -> Recipe:
        """Return how to encode.

        Raises:
            Unspliceable: The stream's kind of pictures cannot be encoded.
        """
        return intra.lossless(task.video)


class _Prores(_Look):
    def __init__(self) -> None:
        self._found: set[ProresFrame] = set()

    def at(self, data: bytes) -> None:
        self._found.add(parse_prores(data))

    def checked(self, data: bytes) -> bytes:
        theirs, (ours,) = parse_prores(data), self._found
        if (theirs.chroma, theirs.alpha_bits) != (ours.chroma, ours.alpha_bits):
            raise Unspliceable("the encoder's frames are not like its own")
        return data

    def recipe(self, task: Task) -> Recipe:
        return intra.prores(task.video, _progressive(_only(self._found)))


class _Dnxhd(_Look):
    def __init__(self) -> None:
        self._found: set[Vc3Frame] = set()
        self._sizes: set[int] = set()

    def at(self, data: bytes) -> None:
        self._found.add(parse_vc3(data))
        self._sizes.add(len(data))

    def checked(self, data: bytes) -> bytes:
        if parse_vc3(data) not in self._found or len(data) > max(self._sizes):
            raise Unspliceable("the encoder's frames are not like its own")
        return data

    def recipe(self, task: Task) -> Recipe:
        return intra.dnxhd(task.video, _progressive(_only(self._found)).compression_id)


class _Mjpeg(_Look):
    def __init__(self) -> None:
        self._quantisers: list[int] = []

    def at(self, data: bytes) -> None:
        picture = parse_jpeg(data)
        if picture.pictures > 1:
            raise Unspliceable("its pictures are interlaced")
        self._quantisers.append(picture.quantisers)

    def recipe(self, task: Task) -> Recipe:
        return intra.mjpeg(task.video, round(median(self._quantisers)))


_Frame = TypeVar("_Frame")
_FrameOrFields = TypeVar("_FrameOrFields", ProresFrame, Vc3Frame)


def _progressive(frame: _FrameOrFields) -> _FrameOrFields:
    if not frame.progressive:
        raise Unspliceable("its pictures are interlaced")
    return frame


def _only(found: set[_Frame]) -> _Frame:
    if len(found) != 1:
        raise Unspliceable("its pictures change their kind on the way")
    return next(iter(found))


_LOOKS: Mapping[str, Callable[[], _Look]] = {
    "prores": _Prores,
    "dnxhd": _Dnxhd,
    "mjpeg": _Mjpeg,
}
