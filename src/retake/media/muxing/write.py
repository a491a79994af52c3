"""Writing a file: every stream of the source in its order, copied, spliced or encoded anew."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from retake.core.source import Source
from retake.core.watch import Watch
from retake.media.mp4.chapters import chapter_tracks
from retake.media.muxing import covers, flows, sound, streams
from retake.media.muxing.contents import Contents, EncodedPictures, EncodedSound, Pictures, Sound
from retake.media.muxing.form import Form
from retake.media.opening import open_source
from retake.media.pace import usual_pace
from retake.media.packets import index_packets
from retake.media.pictures.encode import encoder_errors
from retake.media.pictures.spans import Plan
from retake.media.pictures.spliced import Spliced
from retake.media.unspliceable import Unspliceable

_FIRST = Fraction(-(2**63))
"""A moment before all others."""


@dataclass(slots=True)
class Written:
    """What was written.

    Attributes:
        pictures: Packets of the stream of pictures.
        sound: Packets of the track of sound that is edited, or was made.
        lost: Streams of the source that the container has no room for, in words.
    """

    pictures: int = 0
    sound: int = 0
    lost: list[str] = field(default_factory=list[str])


def write(
    src: Path,
    part: Path,
    form: Form,
    source: Source,
    contents: Contents,
    watch: Watch,
) -> Written:
    """Write the source's streams into a new file.

    Args:
        src: The source file.
        part: The file to write.
        form: What kind it is.
        source: What is in the source.
        contents: What is new in it.
        watch: Progress and cancelling.

    Raises:
        RenderFailed: An encoder failed.
        ValueError: The container does not hold the pictures or the sound.
        av.error.FFmpegError: The same, or writing failed.
        Cancelled: The watch was cancelled.
    """
    options = dict(form.options)
    with (
        open_source(src) as container,
        av.open(part, "w", format=form.muxer, container_options=options) as out,
    ):
        work = _Work(src, source, form, container, out, watch, _origin(container, source))
        if source.file_type in {"mp4", "mov"}:
            # The muxer writes these tracks by itself, from the chapters.
            work.chapters = chapter_tracks(src)
        for old in container.streams:
            work.add(old, contents)
        if not source.audio and isinstance(contents.sound, EncodedSound):
            work.track = work.add_new_sound(contents.sound).index
        streams.tell(container, out)
        with encoder_errors(), usual_pace():
            out.start_encoding()
        return work.run()


def _origin(container: Any, source: Source) -> Fraction:
    """Return the moment of the source's clock that becomes 0."""
    kept = {"mp4", "mov", "mkv", "webm"}
    if source.file_type in kept or container.start_time is None:
        return Fraction(0)
    # Broadcast streams start anywhere on their clock; a file starts at 0.
    return Fraction(container.start_time, av.time_base)


@dataclass(slots=True)
class _Work:
    src: Path
    source: Source
    form: Form
    container: Any
    out: Any
    watch: Watch
    origin: Fraction
    written: Written = field(default_factory=Written)
    copies: dict[int, Any] = field(default_factory=dict[int, Any])
    flows: list[Iterator[flows.Timed]] = field(default_factory=list[Iterator[flows.Timed]])
    pictures: int | None = None
    track: int | None = None
    chapters: frozenset[int] = frozenset()

    def add(self, old: Any, contents: Contents) -> None:
        """Give a stream of the source its place in the new file."""
        audio = self.source.audio
        if old.index == self.source.video.index:
            self._add_pictures(old, contents.pictures)
        elif audio and old.index == audio[0].index:
            self.track = self._add_sound(old, contents.sound)
        elif old.index in {one.index for one in audio}:
            self._add_sound(old, contents.others.get(old.index))
        elif covers.is_cover(old):
            self._add_cover(old)
        elif old.id not in self.chapters:
            new = streams.add_other(self.out, old, self.form, self.source.file_type)
            if new is None:
                self.written.lost.append(_described(old))
            elif old.type != "attachment":
                self.copies[old.index] = new

    def _add_cover(self, old: Any) -> None:
        packets = covers.add_cover(self.out, self.src, old, self.form)
        if packets is None:
            self.written.lost.append(f"cover picture, stream {old.index}")
        else:
            self.flows.append((_FIRST, packet) for packet in packets)

    def add_new_sound(self, new: EncodedSound) -> Any:
        """Add a track that is encoded."""
        channels, video = new.samples.shape[0], self.source.video
        track = sound.add_track(
            self.out, new.codec, channels, new.rate, new.layout, new.bits, new.depth
        )
        begins = new.begins + video.pts[0] * video.time_base - self.origin
        from_zero = self.form.file_type in {"avi", "flv"}
        self.flows.append(
            sound.encoded(track, new.samples, new.rate, begins, self.watch, from_zero=from_zero)
        )
        return track

    def run(self) -> Written:
        """Write all packets, in the order of decoding."""
        counts: Counter[int] = Counter()
        copied: Counter[int] = Counter()
        self.flows.append(flows.copied(self.container, self.copies, copied, self.origin))
        for _, packet in heapq.merge(*self.flows, key=lambda item: item[0]):
            self.watch.check()
            counts[packet.stream_index] += 1
            self.out.mux_one(packet)
        self.written.pictures = counts[self.pictures] if self.pictures is not None else 0
        self.written.sound = counts[self.track] if self.track is not None else 0
        return self.written

    def _copy(self, old: Any, config: bytes | None = None, *, paced: bool = True) -> Any:
        kind = self.source.file_type
        return streams.add_copy(self.out, old, self.form, kind, config, paced=paced)

    def _copied(self, old: Any) -> int:
        new = self.copies[old.index] = self._copy(old)
        return new.index

    def _add_pictures(self, old: Any, new: Pictures) -> None:
        video = self.source.video
        if isinstance(new, EncodedPictures):
            stream = streams.add_pictures(self.out, old, new.recipe, video)
            flow = flows.encoded(stream, video, new, self.origin, self.watch)
        else:
            if new is None:
                try:
                    done, spool = _as_it_is(self.src, video.index), None
                except Unspliceable:
                    # Times are missing: the muxer has to make them up.
                    self.pictures = self._copied(old)
                    return
            else:
                done, spool = new.done, new.spool
            # Where no length is told FFmpeg guesses those of the last packets.
            paced = done.packets[0].duration > 0
            stream = self._copy(old, done.config, paced=paced)
            flow = flows.pictures(self.src, video, stream, done, spool, self.origin)
        self.pictures = stream.index
        self.flows.append(flow)

    def _add_sound(self, old: Any, new: Sound) -> int:
        """Give a track of sound its place; return the new stream's index."""
        if isinstance(new, EncodedSound):
            track = streams.told(self.add_new_sound(new), old)
        elif new is None:
            return self._copied(old)
        else:
            track = self._copy(old, new.config)
            self.flows.append(flows.sound(self.src, old.index, track, new, self.origin))
        return track.index


def _as_it_is(src: Path, index: int) -> Spliced:
    """Return a stream in which nothing is replaced, with all its decoding times."""
    packets = index_packets(src, index)
    count = len(packets)
    plan = Plan(count, count, count, (), frozenset(), ())
    return Spliced(packets, plan, tuple(range(count)))


def _described(old: Any) -> str:
    language = old.language or ""
    name = getattr(old.codec_context, "name", None) or old.type
    return " ".join(filter(None, (language, name, "stream"))) + f" {old.index}"
