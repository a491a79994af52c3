"""Comparing the pictures of two files: by their packets where that is enough, decoded elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from retake.core.proof import KEPT, Kind, Strip
from retake.core.source import Source, VideoStream
from retake.core.watch import Stage, Watch
from retake.media.decode import decode_frames
from retake.media.proof.align import Pair, align
from retake.media.proof.likeness import Likeness, likeness
from retake.media.proof.reading import StreamRead
from retake.media.proof.trust import Stretch, shown_in, stretches

MARGIN = 24
"""Pictures decoded on either side of a difference although their packets are the same."""

_GAP = 48
"""Pictures between two runs that are decoded along: starting anew costs about as many."""


@dataclass(frozen=True)
class Film:
    """One of the two files, as far as its pictures go."""

    path: Path
    source: Source
    stream: StreamRead

    @property
    def video(self) -> VideoStream:
        """Its stream of pictures."""
        return self.source.video

    def digests(self) -> list[bytes | None]:
        """Return the digest of each shown frame's packet; None where no packet is told apart."""
        at = {packet.pts: packet.digest for packet in self.stream.packets}
        return [at.get(pts) for pts in self.video.pts]


class Pictures:
    """The comparison of two streams of pictures.

    Args:
        src: The source.
        out: The output.
        watch: Progress, in pictures of the stage `verify`; cancelling.
        everything: Whether to decode what is settled by its packets, too.
    """

    def __init__(self, src: Film, out: Film, watch: Watch, *, everything: bool) -> None:
        self._src, self._out, self._watch = src, out, watch
        self._everything = everything
        self._before, self._after = src.digests(), out.digests()
        self._pairs = align(self._before, self._after, src.video.times, out.video.times)
        self._found: dict[Pair, Likeness] = {}
        self._total = 0

    def strip(self, name: str) -> Strip:
        """Compare, and return what became of every picture.

        Raises:
            BadSource: `damaged`: one of the files cannot be decoded.
            Cancelled: The watch was cancelled.
        """
        settled = self._settled()
        places = [place for place, pair in enumerate(self._pairs) if _both(pair)]
        open_places = [place for place in places if place not in settled]
        self._decode(open_places)
        for first, last in _runs(sorted(settled), 0):
            # A margin that is not exact proves that the keyframe in front of it lets errors
            # through, so all that follows it has to be looked at.
            self._look_behind(settled, first, last)
        kinds = [self._kind(pair) for pair in self._pairs]
        times = self._times()
        late = [
            abs(self._out.video.times[b] - self._src.video.times[a])
            for a, b in self._pairs
            if a is not None and b is not None
        ]
        coarse = self._coarse()
        levels = tuple(
            found.db if (found := self._found.get(pair)) and kind not in KEPT else None
            for pair, kind in zip(self._pairs, kinds, strict=True)
        )
        return Strip(
            medium="video",
            number=1,
            name=name,
            codecs=(self._src.video.codec, self._out.video.codec),
            kinds=tuple(kinds),
            levels=levels,
            starts=(*times, max(self._src.video.duration, times[-1])),
            packets=packet_counts(self._src.stream, self._out.stream),
            moved=sum(each > coarse for each in late),
            furthest=max(late, default=Fraction(0)),
        )

    def _coarse(self) -> Fraction:
        """Return by how much times may differ because containers count in other units."""
        bases = self._src.video.time_base, self._out.video.time_base
        return Fraction(0) if bases[0] == bases[1] else max(bases)

    def _kind(self, pair: Pair) -> Kind:
        a, b = pair
        if b is None:
            return Kind.REMOVED
        if a is None:
            return Kind.ADDED
        same = self._before[a] is not None and self._before[a] == self._after[b]
        found = self._found.get(pair)
        if found is None or found.kind is Kind.EXACT:
            return Kind.IDENTICAL if same else Kind.EXACT
        return found.kind

    def _times(self) -> list[Fraction]:
        """Return when each unit begins; one that the source lacks where its neighbour does."""
        times: list[Fraction] = []
        for a, _ in self._pairs:
            before = times[-1] if times else Fraction(0)
            times.append(before if a is None else self._src.video.times[a])
        return times

    def _settled(self) -> set[int]:
        """Return the places of pairs that equal packets settle."""
        if self._everything:
            return set()
        number = {pts: place for place, pts in enumerate(self._out.video.pts)}
        place_of = {b: place for place, (a, b) in enumerate(self._pairs) if a is not None}
        settled: set[int] = set()
        for stretch in self._stretches():
            shown = [number[p] for p in shown_in(stretch, self._out.stream.packets) if p in number]
            settled.update(place_of[b] for b in shown if b in place_of)
        # Only pairs whose packets are the same: a stretch may have gone on in another order.
        return {place for place in settled if self._same(place)}

    def _same(self, place: int) -> bool:
        a, b = self._pairs[place]
        return a is not None and b is not None and self._before[a] == self._after[b]

    def _stretches(self) -> list[Stretch]:
        before, after = self._src.stream.packets, self._out.stream.packets
        at = {packet.pts: number for number, packet in enumerate(before)}
        to = {packet.pts: number for number, packet in enumerate(after)}
        partner = {
            to[self._out.video.pts[b]]: at[self._src.video.pts[a]]
            for a, b in self._pairs
            if a is not None
            and b is not None
            and self._out.video.pts[b] in to
            and self._src.video.pts[a] in at
        }
        return stretches(before, after, partner)

    def _look_behind(self, settled: set[int], first: int, last: int) -> None:
        whole = len(self._pairs)
        # Another decoder configuration may show the very same packets in another way.
        doubtful = first or self._src.stream.config != self._out.stream.config
        margins = [*range(first, min(first + MARGIN, last))] if doubtful else []
        margins += [*range(max(last - MARGIN, first), last)] if last < whole else []
        self._decode(sorted(set(margins)))
        if any(self._kind(self._pairs[place]) not in KEPT for place in margins):
            self._decode([place for place in range(first, last) if place in settled])

    def _decode(self, places: Sequence[int]) -> None:
        """Decode and compare the pairs at these places, in runs."""
        wanted = [place for place in places if self._pairs[place] not in self._found]
        self._total += len(wanted)
        for first, last in _runs(wanted, _GAP):
            for start, end in self._straight(first, last):
                self._compare(start, end)

    def _straight(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Cut a run of places where one of the files has a picture that the other lacks."""
        start = first
        for place in range(first, last + 1):
            if place == last or not _both(self._pairs[place]):
                if start < place:
                    yield start, place
                start = place + 1

    def _compare(self, first: int, last: int) -> None:
        a, b = self._pairs[first]
        if a is None or b is None:
            return
        count = last - first
        pairs = zip(
            decode_frames(self._src.path, self._src.source, a, a + count),
            decode_frames(self._out.path, self._out.source, b, b + count),
            strict=True,
        )
        for place, (theirs, ours) in enumerate(pairs, start=first):
            self._found[self._pairs[place]] = likeness(theirs, ours)
            self._watch.progress(Stage.VERIFY, len(self._found), max(self._total, len(self._found)))


def _both(pair: Pair) -> bool:
    return pair[0] is not None and pair[1] is not None


def _runs(places: Sequence[int], gap: int) -> list[tuple[int, int]]:
    """Return half-open runs of ascending numbers, joined across gaps of at most `gap`."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place <= runs[-1][1] + gap:
            runs[-1] = runs[-1][0], place + 1
        else:
            runs.append((place, place + 1))
    return runs


def packet_counts(before: StreamRead, after: StreamRead) -> tuple[int, int, int]:
    """Return the packets of either stream and those that are the same, each counted once."""
    left = Counter(packet.digest for packet in before.packets)
    right = Counter(packet.digest for packet in after.packets)
    return len(before.packets), len(after.packets), (left & right).total()
