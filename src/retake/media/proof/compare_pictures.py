"""Comparing the decoded pictures of two files: exact where packets were copied, alike elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import av

from retake.core.errors import BadSource
from retake.core.report import Check
from retake.core.section import Section
from retake.core.source import Source
from retake.core.timing import FrameRange
from retake.core.watch import Stage, Watch
from retake.media.decode import decode_frames
from retake.media.proof.likeness import shift
from retake.media.proof.planes import IDENTICAL_DB, frame_psnr, same_samples

MARGIN = 24
"""Frames compared on either side of what was touched."""

PAD_DB = 45.0
"""Least likeness of frames that were encoded again next to the section. Renderers promise 49 dB in
the mean; single pictures of noise come out a little below it, damage far below."""

PAD_SHIFT = 4.0 / 255
"""How far the mean of a block of such a frame may move: one lost block in a large picture hides in
the likeness of the whole."""

REENCODED_DB = 28.0
"""Least likeness of frames outside the section when the whole stream was encoded again."""

SAMPLES = 12
"""Frames compared then."""

_Compare = Callable[[int, av.VideoFrame, av.VideoFrame], None]


@dataclass(frozen=True, slots=True)
class Films:
    """The two files, what is in them, and who watches the comparison."""

    src: Path
    source: Source
    out: Path
    made: Source
    watch: Watch = field(default_factory=Watch)

    @property
    def count(self) -> int:
        """Frames that both files have."""
        return min(len(self.source.video.pts), len(self.made.video.pts))

    def theirs(self, frames: FrameRange) -> Iterator[av.VideoFrame]:
        """Decode frames of the source."""
        return decode_frames(self.src, self.source, frames.start, frames.end, beat=self.watch.check)

    def ours(self, frames: FrameRange, *, strict: bool = False) -> Iterator[av.VideoFrame]:
        """Decode frames of the output."""
        return decode_frames(
            self.out, self.made, frames.start, frames.end, strict=strict, beat=self.watch.check
        )


def check_pictures(
    films: Films, sections: Sequence[Section], touched: Collection[int], *, exact_pads: bool
) -> Iterator[Check]:
    """Yield whether frames around the touched ones are exact, and whether all decode strictly.

    Args:
        films: The two files.
        sections: What was replaced.
        touched: Presentation times of the packets that are new, in the output's time base.
        exact_pads: Whether frames that were encoded again outside the section are promised to
            be exact as well.
    """
    new = [number for number, pts in enumerate(films.made.video.pts) if pts in touched]
    if not new or new[-1] >= films.count:
        yield Check("pictures around", passed=False, detail="the new frames are not where they are")
        return
    generated = {number for section in sections for number in _numbers(section)}
    exact: dict[int, bool] = {}
    pads: dict[int, tuple[float, float]] = {}

    def compare(number: int, a: av.VideoFrame, b: av.VideoFrame) -> None:
        if number in generated:
            return
        same = same_samples(a, b)
        if films.made.video.pts[number] in touched and not exact_pads:
            pads[number] = (IDENTICAL_DB, 0.0) if same else (frame_psnr(a, b), _shift(a, b))
        else:
            exact[number] = same

    windows = list(_windows(new, films.count))
    for at, frames in enumerate(windows):
        watch = films.watch if len(windows) == 1 else films.watch.part(at, len(windows))
        yield _in_step(replace(films, watch=watch), frames, compare)
    right = sum(exact.values())
    yield Check(
        "pictures around", right == len(exact), f"{right} of {len(exact)} decoded frames are exact"
    )
    if pads:
        yield _check_pads(pads)


def _numbers(section: Section) -> range:
    return range(section.frames.start, section.frames.end)


def _windows(new: Sequence[int], count: int) -> Iterator[FrameRange]:
    """Yield the runs of frames to compare: the new ones, and some on either side of them."""
    start = before = new[0]
    for number in [*new[1:], count + 2 * MARGIN]:
        if number - before > 2 * MARGIN:
            yield FrameRange(max(start - MARGIN, 0), min(before + 1 + MARGIN, count))
            start = number
        before = number


def _check_pads(pads: dict[int, tuple[float, float]]) -> Check:
    worst = min(db for db, _ in pads.values())
    moved = max(moved for _, moved in pads.values())
    mean = sum(db for db, _ in pads.values()) / len(pads)
    detail = f"{len(pads)} frames, at least {worst:.1f} dB, {mean:.1f} dB in the mean"
    if moved > PAD_SHIFT:
        detail += f"; a block of one moved by {100 * moved:.0f} %"
    return Check("re-encoded pictures", worst >= PAD_DB and moved <= PAD_SHIFT, detail)


def _shift(a: av.VideoFrame, b: av.VideoFrame) -> float:
    alike = (a.width, a.height, a.format.name) == (b.width, b.height, b.format.name)
    return shift(a, b) if alike else 1.0


def check_reencoded(films: Films, sections: Sequence[Section]) -> Iterator[Check]:
    """Yield whether a stream that was encoded again is alike outside, and decodes strictly."""
    generated = {number for section in sections for number in _numbers(section)}
    outside = [number for number in range(films.count) if number not in generated]
    likeness: dict[int, float] = {}

    def compare(number: int, a: av.VideoFrame, b: av.VideoFrame) -> None:
        if number in chosen:
            likeness[number] = frame_psnr(a, b)

    chosen = {outside[len(outside) * part // SAMPLES] for part in range(SAMPLES)} if outside else {}
    yield _in_step(films, FrameRange(0, films.count), compare)
    if likeness:
        worst = min(likeness.values())
        yield Check(
            "re-encoded pictures",
            worst >= REENCODED_DB,
            f"at least {worst:.1f} dB in {len(likeness)} frames outside",
        )


def check_same_pictures(films: Films) -> Check:
    """Return whether all decoded pictures of two files are the same.

    For streams copied into another kind of container, where packets are wrapped in another way.
    """
    name = "video frames"
    if len(films.source.video.pts) != len(films.made.video.pts):
        return Check(name, passed=False, detail="their number differs")
    every = FrameRange(0, films.count)
    equal = 0
    for number, (a, b) in enumerate(zip(films.theirs(every), films.ours(every), strict=True)):
        equal += same_samples(a, b)
        films.watch.progress(Stage.VERIFY, number + 1, films.count)
    return Check(
        name, equal == films.count, f"{equal} of {films.count} decoded frames are the source's"
    )


def _in_step(films: Films, frames: FrameRange, compare: _Compare) -> Check:
    """Hand a run of both files' frames to `compare`; return whether the output's decode strictly.

    A source that does not decode strictly itself is excused: its own packets are in the output.

    Raises:
        BadSource: `damaged`: one of the files does not decode at all.
        Cancelled: The watch was cancelled.
    """
    name = "strict decoding"

    def run(*, strict: bool) -> None:
        pairs = zip(films.theirs(frames), films.ours(frames, strict=strict), strict=True)
        for number, (a, b) in enumerate(pairs, start=frames.start):
            compare(number, a, b)
            films.watch.progress(Stage.VERIFY, number + 1 - frames.start, len(frames))

    try:
        run(strict=True)
    except BadSource as error:
        run(strict=False)
        if _decodes_strictly(films, frames):
            return Check(name, passed=False, detail=error.message)
        return Check(name, passed=True, detail="not possible: the source is irregular as well")
    told = f"frames {frames.start} to {frames.end - 1} without an error"
    return Check(name, passed=True, detail=told)


def _decodes_strictly(films: Films, frames: FrameRange) -> bool:
    strictly = decode_frames(
        films.src, films.source, frames.start, frames.end, strict=True, beat=films.watch.check
    )
    try:
        for _ in strictly:
            continue
    except BadSource:
        return False
    return True
