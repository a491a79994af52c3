"""Comparing a track of sound of two files: by packets where that is enough, decoded elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from retake.core.proof import Kind, Strip
from retake.core.source import AudioStream
from retake.core.watch import Watch
from retake.media.proof.align import Pair, align
from retake.media.proof.facts import name_of
from retake.media.proof.hearing import BLOCK, Heard, delay, listen
from retake.media.proof.reading import StreamRead
from retake.media.proof.watching import Film, packet_counts

_LATE = Fraction(1, 500)
"""Differences of time below this are a container's coarse clock."""


class Tracks:
    """One track in both files.

    Args:
        src: The source.
        theirs: Its stream of sound.
        before: That stream's packets.
        out: The output.
        ours: Its stream of sound.
        after: That stream's packets.
    """

    def __init__(
        self,
        src: Film,
        theirs: AudioStream,
        before: StreamRead,
        out: Film,
        ours: AudioStream,
        after: StreamRead,
    ) -> None:
        self._src, self._theirs, self._before = src, theirs, before
        self._out, self._ours, self._after = out, ours, after
        self._at = _times(src, before)
        self._to = _times(out, after)
        self._pairs = align(
            [packet.digest for packet in before.packets],
            [packet.digest for packet in after.packets],
            self._at,
            self._to,
        )

    def strip(self, number: int, watch: Watch, *, everything: bool) -> Strip:
        """Compare, and return what became of every block of the track.

        Raises:
            BadSource: `damaged`: one of the tracks cannot be decoded.
            Cancelled: The watch was cancelled.
        """
        theirs, rate = self._theirs, self._theirs.sample_rate
        own = self._own_blocks(-(-round(theirs.duration * rate) // BLOCK))
        heard, lag = self._listen(own, watch, everything=everything)
        starts = [theirs.start + Fraction(at * BLOCK, rate) for at in range(len(heard))]
        end = theirs.start + theirs.duration
        late = max(self._late(), abs(Fraction(lag, rate)))
        return Strip(
            medium="audio",
            number=number,
            name=name_of(self._before),
            codecs=(theirs.codec, self._ours.codec),
            kinds=tuple(one.kind for one in heard),
            levels=tuple(
                one.db if one.kind in {Kind.NEAR, Kind.CHANGED} else None for one in heard
            ),
            starts=(*starts, max(end, starts[-1]) if starts else end),
            packets=packet_counts(self._before, self._after),
            moved=len(heard) if late > _LATE else 0,
            furthest=late if late > _LATE else Fraction(0),
        )

    def _listen(
        self, own: Sequence[bool], watch: Watch, *, everything: bool
    ) -> tuple[list[Heard], int]:
        theirs, ours = self._theirs, self._ours
        grown = len(self._after.packets) != len(self._before.packets)
        if all(own) and not everything and not grown:
            return [Heard(Kind.IDENTICAL, None)] * len(own), 0
        if (theirs.sample_rate, theirs.channels) != (ours.sample_rate, ours.channels):
            return [Heard(Kind.CHANGED, None)] * len(own), 0
        lag = delay(self._src.path, theirs, self._out.path, ours)
        return list(
            listen(self._src.path, theirs, self._out.path, ours, lag, own, watch.check)
        ), lag

    def _own_blocks(self, blocks: int) -> list[bool]:
        """Return of which blocks all packets are the source's own."""
        rate, origin = self._theirs.sample_rate, self._theirs.start
        own = [True] * blocks
        for a, b in self._pairs:
            if a is None or self._same((a, b)):
                continue
            # A packet's sound overlaps with the next one's.
            ends = self._at[a + 2] if a + 2 < len(self._at) else self._at[-1] + 1
            first = round((self._at[a] - origin) * rate) // BLOCK
            last = -(-round((ends - origin) * rate) // BLOCK)
            for block in range(max(first, 0), min(last, blocks)):
                own[block] = False
        return own

    def _same(self, pair: Pair) -> bool:
        a, b = pair
        if a is None or b is None:
            return False
        return self._before.packets[a].digest == self._after.packets[b].digest

    def _late(self) -> Fraction:
        """Return by how much a packet that is the source's own comes earlier or later."""
        return max(
            (
                abs(self._to[b] - self._at[a])
                for a, b in self._pairs
                if a is not None and b is not None and self._same((a, b))
            ),
            default=Fraction(0),
        )


def _times(film: Film, stream: StreamRead) -> list[Fraction]:
    """Return when each packet begins, in seconds from the first picture's appearance."""
    start = film.video.pts[0] * film.video.time_base
    return [packet.pts * stream.time_base - start for packet in stream.packets]
