"""Writing a file: every stream of the source in its order, copied, spliced or encoded anew."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.source import Source
from retake.core.watch import Watch
from retake.media.audio.spliced import SplicedSound
from retake.media.muxing import flows, sound, streams
from retake.media.muxing.form import Form
from retake.media.opening import open_source
from retake.media.packets import index_packets
from retake.media.pictures.encode import encoder_errors
from retake.media.pictures.recipe import Recipe
from retake.media.pictures.spans import Plan
from retake.media.pictures.spliced import Spliced


@dataclass(frozen=True, slots=True)
class EncodedPictures:
    """Pictures to encode: how, and every one of them in display order."""

    recipe: Recipe
    frames: Iterator[av.VideoFrame]


@dataclass(frozen=True, slots=True)
class SplicedPictures:
    """Pictures that were spliced, and where the new packets' bytes lie."""

    done: Spliced
    spool: BinaryIO


@dataclass(frozen=True, slots=True)
class EncodedSound:
    """Sound to encode.

    Attributes:
        codec: As what; one that `sound.can_encode` knows.
        samples: ``[channels, n]``.
        rate: Samples a second.
        begins: When its first sample sounds, in seconds from the first frame's appearance.
        layout: FFmpeg's name of the channels' places; None for the usual one.
        bits: The source's bit rate, if it had sound.
        depth: Bits of a sample that count.
    """

    codec: str
    samples: NDArray[np.float32]
    rate: int
    begins: Fraction
    layout: str | None = None
    bits: int | None = None
    depth: int = 24


Pictures = EncodedPictures | SplicedPictures | None
Sound = EncodedSound | SplicedSound | None


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
    new_pictures: Pictures,
    new_sound: Sound,
    watch: Watch,
) -> Written:
    """Write the source's streams into a new file.

    Args:
        src: The source file.
        part: The file to write.
        form: What kind it is.
        source: What is in the source.
        new_pictures: What replaces the pictures; None copies them.
        new_sound: What replaces the first track of sound, or comes where there is none; None
            copies it.
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
        for old in container.streams:
            work.add(old, new_pictures, new_sound)
        if not source.audio and isinstance(new_sound, EncodedSound):
            work.add_new_sound(new_sound)
        streams.tell(container, out)
        with encoder_errors():
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

    def add(self, old: Any, new_pictures: Pictures, new_sound: Sound) -> None:
        """Give a stream of the source its place in the new file."""
        audio = self.source.audio
        if old.index == self.source.video.index:
            self._add_pictures(old, new_pictures)
        elif audio and old.index == audio[0].index:
            self._add_sound(old, new_sound)
        elif old.index in {one.index for one in audio}:
            self.copies[old.index] = self._copy(old)
        else:
            new = streams.add_other(self.out, old, self.form, self.source.file_type)
            if new is None:
                self.written.lost.append(_described(old))
            elif old.type != "attachment":
                self.copies[old.index] = new

    def add_new_sound(self, new: EncodedSound) -> Any:
        """Add a track that is encoded."""
        channels, video = new.samples.shape[0], self.source.video
        track = sound.add_track(
            self.out, new.codec, channels, new.rate, new.layout, new.bits, new.depth
        )
        begins = new.begins + video.pts[0] * video.time_base - self.origin
        self.flows.append(sound.encoded(track, new.samples, new.rate, begins, self.watch))
        self.track = track.index
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

    def _copy(self, old: Any, config: bytes | None = None) -> Any:
        return streams.add_copy(self.out, old, self.form, self.source.file_type, config)

    def _add_pictures(self, old: Any, new: Pictures) -> None:
        video = self.source.video
        if isinstance(new, EncodedPictures):
            stream = streams.add_pictures(self.out, old, new.recipe, video)
            flow = flows.encoded(stream, video, new.frames, self.origin, self.watch)
        else:
            done = _as_it_is(self.src, video.index) if new is None else new.done
            spool = None if new is None else new.spool
            stream = self._copy(old, done.config)
            flow = flows.pictures(self.src, video, stream, done, spool, self.origin)
        self.pictures = stream.index
        self.flows.append(flow)

    def _add_sound(self, old: Any, new: Sound) -> None:
        if isinstance(new, EncodedSound):
            track = self.add_new_sound(new)
            track.metadata.update(old.metadata)
            track.disposition = old.disposition
            return
        if new is None:
            track = self.copies[old.index] = self._copy(old)
        else:
            track = self._copy(old, new.config)
            self.flows.append(flows.sound(self.src, old.index, track, new, self.origin))
        self.track = track.index


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
