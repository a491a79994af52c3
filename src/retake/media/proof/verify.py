"""Verifying a finished file against its source: what should be untouched is, and the rest decodes.

Nothing here asks how the file was made, only what was promised of each stream; packets are read
with FFmpeg's demuxer and compared byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from retake.core.errors import BadSource
from retake.core.report import Action, Check
from retake.core.request import Mode
from retake.core.section import Redone, Section
from retake.core.source import Source
from retake.core.watch import Watch
from retake.media.probe import probe_output
from retake.media.proof.compare_packets import (
    Both,
    Range,
    check_copied,
    check_others,
    check_spliced,
)
from retake.media.proof.compare_pictures import (
    Films,
    check_pictures,
    check_reencoded,
    check_same_pictures,
)
from retake.media.proof.compare_sound import check_new_track, check_same_sound, check_sound
from retake.media.proof.reading import FileRead, Packet, StreamRead, read_file

if TYPE_CHECKING:
    from retake.media.render import Rendered


def verify(
    src: Path,
    out: Path,
    source: Source,
    section: Section,
    mode: Mode,
    rendered: Rendered,
    watch: Watch | None = None,
) -> tuple[Check, ...]:
    """Compare `out` with `src` where one section was replaced; see `verify_sections`."""
    return verify_sections(src, out, source, (Redone(section, mode),), rendered, watch)


def verify_sections(
    src: Path,
    out: Path,
    source: Source,
    redone: Sequence[Redone],
    rendered: Rendered,
    watch: Watch | None = None,
) -> tuple[Check, ...]:
    """Compare `out` with `src` by what was promised; every check says what was found.

    Args:
        src: The source file.
        out: The finished file.
        source: What `probe` found in `src`, the track of sound that is edited in front.
        redone: What was replaced, ascending.
        rendered: What the renderer says it did to each stream.
        watch: Progress goes out as frames of the stage `verify`; a wish to cancel comes in.

    Returns:
        The checks; a file of which one has not passed is not to be handed out.

    Raises:
        Cancelled: The watch was cancelled.
    """
    watch = watch or Watch()
    try:
        made = probe_output(out, source)
        before, after = read_file(src, watch.check), read_file(out, watch.check)
    except BadSource as error:
        return (Check("readable", passed=False, detail=error.message),)
    job = _Job(Films(src, source, out, made, watch), before, after, redone, rendered)
    checks: list[Check] = []
    for part in (job.form(), job.pictures(), job.sound(), job.others()):
        try:
            checks.extend(part)
        except BadSource as error:
            checks.append(Check("decodable", passed=False, detail=error.message))
    return tuple(checks)


class _Job:
    """The two files and everything known of them."""

    def __init__(
        self,
        films: Films,
        before: FileRead,
        after: FileRead,
        redone: Sequence[Redone],
        rendered: Rendered,
    ) -> None:
        self._films, self._source, self._made = films, films.source, films.made
        self._before, self._after = before, after
        self._rendered = rendered
        self._shown = [each.section for each in redone if each.mode.replaces_video]
        self._heard = [each.section for each in redone if each.mode.replaces_audio]
        ours, theirs = self._made.video, self._source.video
        self._shift = ours.pts[0] * ours.time_base - theirs.pts[0] * theirs.time_base

    def form(self) -> Iterator[Check]:
        """Frame count, times and the form of the pictures."""
        ours, theirs = self._made.video, self._source.video
        coarse = (
            Fraction(0)
            if ours.time_base == theirs.time_base
            else max(ours.time_base, theirs.time_base)
        )
        counts = len(theirs.pts), len(ours.pts)
        yield Check("frame count", counts[0] == counts[1], f"{counts[0]} and {counts[1]} frames")
        late = max((abs(a - b) for a, b in zip(ours.times, theirs.times, strict=False)), default=0)
        yield Check(
            "frame times", late <= coarse, f"largest difference {float(late) * 1000:.3f} ms"
        )
        wrong = [
            f"{name} {getattr(theirs, name)} became {getattr(ours, name)}"
            for name in ("upright_size", "bit_depth", "rotation", "sample_aspect_ratio", "colour")
            if getattr(ours, name) != getattr(theirs, name)
            # Another codec may not have the source's depth; the report says so.
            and not (name == "bit_depth" and ours.codec != theirs.codec)
        ]
        yield Check("picture form", not wrong, "; ".join(wrong) or "size, depth, turn and colours")

    def pictures(self) -> Iterator[Check]:
        """The stream of pictures, by what was promised of it."""
        action, kept = self._rendered.video.action, not self._shown
        touched = ranges(self._rendered.touched, self._rendered.parts)
        both = self._both("video", self._source.video.index, self._made.video.index)
        if action is Action.COPIED or (kept and action is not Action.REENCODED):
            copied = check_copied(both)
            if not copied.passed and not self._same_container:
                copied = check_same_pictures(self._films)
            yield copied
        elif action is Action.SMART and touched:
            yield from check_spliced(both, touched)
            packets = both.after.packets
            shown = {packet.pts for start, end in touched for packet in packets[start:end]}
            yield from check_pictures(
                self._films, self._shown, shown, exact_pads=self._rendered.exact_pads
            )
        else:
            yield from check_reencoded(self._films, self._shown)

    def sound(self) -> Iterator[Check]:
        """The stream of sound that is edited, by what was promised of it."""
        action, kept = self._rendered.audio.action, not self._heard
        touched = ranges(self._rendered.audio_touched, self._rendered.audio_parts)
        if action is Action.CREATED:
            yield check_new_track(self._films.out, self._made, self._heard)
            return
        if not self._source.audio or not self._made.audio:
            same = bool(self._source.audio) == bool(self._made.audio)
            yield Check("sound", same, "no sound in either" if same else "the sound is missing")
            return
        both = self._both("audio", self._source.audio[0].index, self._made.audio[0].index)
        if action is Action.COPIED or (kept and action is not Action.REENCODED):
            copied = check_copied(both)
            if not copied.passed and not self._same_container:
                copied = check_same_sound(self._films)
            yield copied
            return
        windows = [(section.start, section.end) for section in self._heard]
        if action is Action.SMART and touched:
            yield from check_spliced(both, touched)
            windows = [_window(both.after.packets, one, self._made) for one in touched]
        yield from check_sound(self._films, windows, self._heard, spliced=action is Action.SMART)

    def others(self) -> Iterator[Check]:
        """Further tracks of sound, which are never edited, and all other streams."""
        for number, (ours, theirs) in enumerate(
            zip(self._made.audio[1:], self._source.audio[1:], strict=False), start=2
        ):
            if theirs.index not in self._rendered.recoded:
                yield check_copied(self._both(f"audio track {number}", theirs.index, ours.index))
        if not self._same_container:
            return
        lost = len(self._source.audio) + self._source.other_streams - len(self._rendered.lost)
        lost -= len(self._made.audio) + self._made.other_streams
        if self._rendered.audio.action is Action.CREATED:
            lost += 1
        yield Check("streams", lost == 0, "all are there" if not lost else f"{lost} are lost")
        if not self._rendered.lost:
            yield check_others(
                _others(self._before, self._source), _others(self._after, self._made)
            )

    @property
    def _same_container(self) -> bool:
        return self._source.container == self._made.container

    def _both(self, name: str, before: int, after: int) -> Both:
        theirs, ours = self._before.streams[before], self._after.streams[after]
        bases = theirs.time_base, ours.time_base, self._source.video.time_base
        same = bases[0] == bases[1] and not self._shift
        decoding = all("mp4" in one.container for one in (self._source, self._made))
        return Both(name, theirs, ours, self._shift, Fraction(0) if same else max(bases), decoding)


def ranges(touched: Range | None, parts: Sequence[Range]) -> tuple[Range, ...]:
    """Return the packets that may differ: the parts where there are several, else all touched."""
    if parts:
        return tuple(parts)
    return () if touched is None else (touched,)


def _others(read: FileRead, source: Source) -> dict[int, StreamRead]:
    """Return a file's streams but the pictures edited and all sound."""
    gone = {source.video.index, *(audio.index for audio in source.audio)}
    return {index: stream for index, stream in read.streams.items() if index not in gone}


def _window(
    packets: list[Packet], touched: tuple[int, int], made: Source
) -> tuple[Fraction, Fraction]:
    """Return the seconds in which replaced packets of sound can be heard.

    A packet's samples overlap with the next one's, so the first copied one counts as touched.
    """
    audio = made.audio[0]
    origin = packets[0].pts * audio.time_base
    # The first packet may hold nothing but priming; its samples end where the sound starts.
    lead = min(origin - _start(made), Fraction(0))

    def heard(packet: int) -> Fraction:
        return packets[packet].pts * audio.time_base - origin + lead + audio.start

    last = touched[1] + 1
    end = heard(last) if last < len(packets) else audio.start + audio.duration + 1
    return heard(touched[0]), end


def _start(made: Source) -> Fraction:
    return made.video.pts[0] * made.video.time_base + made.audio[0].start
