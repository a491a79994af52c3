"""Which pictures an H.264 decoder of frames keeps, and which of them a slice may refer to.

ITU-T H.264 (08/2021), 8.2.1 (order of pictures), 8.2.4 (lists of references), 8.2.5 (marking).
Long-term references and gaps in the numbering are refused: hardly any encoder makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retake.media.bitstream.h264 import Sps
from retake.media.bitstream.headers import B, I, Operations, SliceHeader
from retake.media.unspliceable import Unspliceable

FORGET_ONE = 1
_SUBTRACT, _ADD = 0, 1

Lists = tuple[tuple[int, ...], tuple[int, ...]]
"""The pictures that a slice may refer to, by their names, in the order of both lists."""


@dataclass(frozen=True, slots=True)
class Coded:
    """What a picture's place among the others depends on.

    Attributes:
        name: Any number; the lists name pictures by it.
        idr_pic_id: None for a picture that is no IDR picture.
        reference: Whether other pictures may refer to it.
        slices: Headers of the slices whose lists are wanted.
    """

    name: int
    idr_pic_id: int | None
    reference: bool
    frame_num: int
    poc_lsb: int
    poc_delta: int
    marking: Operations
    slices: tuple[SliceHeader, ...] = ()

    @staticmethod
    def of(name: int, slices: tuple[SliceHeader, ...]) -> Coded:
        """Return a picture of the source."""
        first = slices[0]
        return Coded(
            name,
            first.idr_pic_id if first.idr else None,
            first.ref_idc > 0,
            first.frame_num,
            first.poc_lsb,
            first.poc_delta,
            first.marking,
            slices,
        )

    @property
    def kinds(self) -> set[int]:
        """Of which kinds its slices are."""
        return {header.kind for header in self.slices}


@dataclass(frozen=True, slots=True)
class _Kept:
    name: int
    frame_num: int
    poc: int


class References:
    """A decoder's memory of references, fed with pictures in decode order.

    Args:
        sps: The stream's sequence parameter set.

    Raises:
        Unspliceable: Its pictures are ordered in a way that is not followed here.
    """

    def __init__(self, sps: Sps) -> None:
        if sps.poc_type not in {0, 2}:
            raise Unspliceable("its pictures are numbered in an unusual way")
        self._sps = sps
        self._numbers = 1 << sps.frame_num_bits
        self._kept: list[_Kept] = []
        self._last_number = self._last_poc = self._wraps = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the pictures that are kept, in the order of decoding."""
        return tuple(kept.frame_num for kept in self._kept)

    def enter(self, picture: Coded) -> tuple[int, list[Lists]]:
        """Decode a picture; return its order count and the lists of each of its slices.

        Raises:
            Unspliceable: It is marked or numbered in a way that is not followed here.
        """
        if picture.idr_pic_id is not None:
            self._kept.clear()
            self._last_number = self._last_poc = self._wraps = 0
        elif picture.frame_num != (self._last_number + 1) % self._numbers:
            raise Unspliceable("its pictures are numbered in an unusual way")
        poc = self._order(picture)
        lists = [self._lists(picture.frame_num, poc, header) for header in picture.slices]
        if picture.reference:
            self._mark(picture)
            self._kept.append(_Kept(picture.name, picture.frame_num, poc))
            self._last_number, self._last_poc = picture.frame_num, poc
        return poc, lists

    def _order(self, picture: Coded) -> int:
        if self._sps.poc_type == 2:
            if picture.frame_num < self._last_number:
                self._wraps += self._numbers
            return 2 * (self._wraps + picture.frame_num) - (not picture.reference)
        size = 1 << self._sps.poc_bits
        # The nearest order count with these last bits.
        past = (picture.poc_lsb - self._last_poc + size // 2) % size - size // 2
        return self._last_poc + past

    def _mark(self, picture: Coded) -> None:
        if picture.idr_pic_id is not None:
            if picture.marking:
                raise Unspliceable("it keeps references for long")
            return
        for operation in picture.marking:
            if operation[0] != FORGET_ONE:
                raise Unspliceable("it keeps references for long")
            number = (picture.frame_num - operation[1] - 1) % self._numbers
            left = [kept for kept in self._kept if kept.frame_num != number]
            if len(left) == len(self._kept):
                raise Unspliceable("it forgets a reference that is not there")
            self._kept = left
        while len(self._kept) >= max(self._sps.references, 1):
            if picture.marking:
                raise Unspliceable("it keeps more references than it may")
            del self._kept[0]

    def _lists(self, frame_num: int, poc: int, header: SliceHeader) -> Lists:
        if header.kind == I:
            return (), ()
        if header.kind == B:
            past = sorted((k for k in self._kept if k.poc < poc), key=lambda k: -k.poc)
            future = sorted((k for k in self._kept if k.poc > poc), key=lambda k: k.poc)
            first, second = past + future, future + past
            if first == second and len(second) > 1:
                second[:2] = second[1::-1]
        else:
            # In the order of decoding, latest first, which wrapped numbers keep as well.
            first, second = self._kept[::-1], []
        one, other = (
            self._changed(given, frame_num, changes, count)
            for given, changes, count in zip(
                (first, second), header.changes, header.active, strict=True
            )
        )
        return one, other

    def _changed(
        self, given: Sequence[_Kept], frame_num: int, changes: Operations, count: int
    ) -> tuple[int, ...]:
        found, number = list(given), frame_num
        for at, (operation, difference) in enumerate(changes):
            if operation not in {_SUBTRACT, _ADD}:
                raise Unspliceable("it keeps references for long")
            step = difference + 1
            number = (number - step if operation == _SUBTRACT else number + step) % self._numbers
            named = next((kept for kept in self._kept if kept.frame_num == number), None)
            if named is None:
                raise Unspliceable("it refers to a picture that is not there")
            rest = [kept for kept in found[at:] if kept is not named]
            found = [*found[:at], named, *rest]
        return tuple(kept.name for kept in found[:count])
