"""Writing a file that cannot be patched: streams copied packet for packet, others encoded anew."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from retake.core.source import Source, VideoStream
from retake.core.watch import Stage, Watch
from retake.media.audio.soundtrack import add_sound, encoded_sound
from retake.media.opening import fraction, open_source
from retake.media.pictures.encode import add_encoder, encoder_errors
from retake.media.pictures.recipe import Recipe

_MUXERS = {".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_LEAST_TIMESCALE = 10_000
_MOVIE_TIMESCALE = 90_000
_NOT_OURS = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


@dataclass(frozen=True, slots=True)
class NewPictures:
    """A stream of pictures to encode: how, and every one of them in display order."""

    recipe: Recipe
    frames: Iterable[av.VideoFrame]


@dataclass(frozen=True, slots=True)
class NewSound:
    """A stream of sound to encode.

    Attributes:
        samples: ``[channels, n]``.
        rate: Samples a second.
        begins: When its first sample sounds, in seconds from the first frame's appearance.
        bits: The source's bit rate, if it had sound.
        instead: Index of the source's stream that it replaces.
    """

    samples: NDArray[np.float32]
    rate: int
    begins: Fraction
    bits: int | None = None
    instead: int | None = None


@dataclass(frozen=True, slots=True)
class Muxed:
    """What was written: packets of each stream that was encoded, and the streams copied."""

    pictures: int
    sound: int
    copied: Mapping[int, int]


def muxer_of(path: Path) -> str:
    """Return FFmpeg's name of the container that a file name's ending asks for."""
    return _MUXERS.get(path.suffix.lower(), "mp4")


def mux(
    src: Path,
    part: Path,
    muxer: str,
    source: Source,
    pictures: NewPictures | None,
    sound: NewSound | None,
    watch: Watch,
) -> Muxed:
    """Write the source's streams into a new file, some of them encoded anew.

    Args:
        src: The source file.
        part: The file to write.
        muxer: FFmpeg's name of its container.
        source: What is in the source.
        pictures: New pictures; None copies them.
        sound: New sound; None copies all sound.
        watch: Progress and cancelling.

    Raises:
        RenderFailed: An encoder failed.
        av.error.FFmpegError: The container cannot hold a stream, or writing failed.
        Cancelled: The watch was cancelled.
    """
    options = _clock(muxer, source.video)
    with (
        open_source(src) as container,
        av.open(part, "w", format=muxer, container_options=options) as out,
    ):
        gone = {source.video.index if pictures else None, sound.instead if sound else None}
        origin = _origin(container, source)
        flows: list[Iterator[tuple[Fraction, Any]]] = []
        made: dict[str, int] = {}
        written: Counter[int] = Counter()
        if pictures:
            stream = add_encoder(out, pictures.recipe, source.video)
            if source.video.rotation:
                # FFmpeg counts counter-clockwise.
                stream.set_display_rotation(-source.video.rotation)
            made["pictures"] = stream.index
            flows.append(_pictures(stream, source.video, pictures, origin, watch))
        copies = _copies(container, out, source, gone)
        if sound:
            track = add_sound(out, sound.samples.shape[0], sound.rate, sound.bits)
            made["sound"] = track.index
            begins = sound.begins + source.video.pts[0] * source.video.time_base - origin
            flows.append(_timed(encoded_sound(track, sound.samples, begins, watch)))
        _tell(container, out)
        copied = dict.fromkeys(copies, 0)
        flows.append(_copied(container, copies, copied, origin))
        with encoder_errors():
            out.start_encoding()
        for _, packet in heapq.merge(*flows, key=lambda item: item[0]):
            watch.check()
            written[packet.stream_index] += 1
            out.mux_one(packet)
    count = {kind: written[index] for kind, index in made.items()}
    return Muxed(count.get("pictures", 0), count.get("sound", 0), copied)


def _clock(muxer: str, video: VideoStream) -> dict[str, str]:
    """Return the muxer's options that let it hold the pictures' times exactly."""
    if muxer not in {"mp4", "mov"}:
        return {}
    scale = video.time_base.denominator
    while scale < _LEAST_TIMESCALE:
        scale *= 2
    return {"video_track_timescale": str(scale), "movie_timescale": str(_MOVIE_TIMESCALE)}


def _origin(container: Any, source: Source) -> Fraction:
    """Return the moment of the source's clock that becomes 0."""
    if "mp4" in source.container or container.start_time is None:
        return Fraction(0)
    # Broadcast streams start anywhere on their clock; a file starts at 0.
    return Fraction(container.start_time, av.time_base)


def _copies(container: Any, out: Any, source: Source, gone: set[int | None]) -> dict[int, Any]:
    """Return the new stream of every one that is copied, by the old one's index."""
    ours = {source.video.index, *(audio.index for audio in source.audio)}
    copies: dict[int, Any] = {}
    for old in container.streams:
        if old.index in gone:
            continue
        try:
            new = out.add_stream_from_template(old, opaque=True)
        except (ValueError, av.error.FFmpegError):
            # Subtitles and data that this container has no room for are left behind.
            if old.index in ours:
                raise
            continue
        new.metadata.update(old.metadata)
        new.disposition = old.disposition
        copies[old.index] = new
    return copies


def _tell(container: Any, out: Any) -> None:
    out.metadata.update({k: v for k, v in container.metadata.items() if k not in _NOT_OURS})
    out.set_chapters(container.chapters())


def _pictures(
    stream: Any, video: VideoStream, new: NewPictures, origin: Fraction, watch: Watch
) -> Iterator[tuple[Fraction, Any]]:
    shift = round(origin / video.time_base)
    shown = [pts - shift for pts in video.pts]
    total = len(shown)
    for done, packet in enumerate(_encoded(stream, new)):
        packet.pts, packet.dts = shown[packet.pts], _decoded_at(shown, packet.dts)
        packet.time_base = video.time_base
        packet.duration = _duration(video, packet.pts + shift)
        packet.stream = stream
        watch.progress(Stage.RENDER, done + 1, total)
        yield packet.dts * video.time_base, packet


def _encoded(stream: Any, new: NewPictures) -> Iterator[Any]:
    coder = stream.codec_context
    for number, picture in enumerate(new.frames):
        frame = picture
        if frame.format.name != new.recipe.pix_fmt:
            frame = picture.reformat(format=new.recipe.pix_fmt)
        frame.pts, frame.time_base, frame.pict_type = number, coder.time_base, 0
        with encoder_errors():
            yield from coder.encode_lazy(frame)
    with encoder_errors():
        yield from coder.encode_lazy(None)


def _decoded_at(shown: Sequence[int], number: int) -> int:
    """Return the decoding time of what the encoder, counting frames, decodes at `number`."""
    if number >= 0:
        return shown[number]
    step = shown[1] - shown[0] if len(shown) > 1 else 1
    return shown[0] + number * max(step, 1)


def _duration(video: VideoStream, pts: int) -> int:
    following = next((later for later in video.pts if later > pts), video.end_pts)
    return following - pts


def _timed(packets: Iterable[Any]) -> Iterator[tuple[Fraction, Any]]:
    for packet in packets:
        yield packet.dts * (fraction(packet.time_base) or Fraction(0)), packet


def _copied(
    container: Any, copies: Mapping[int, Any], counts: dict[int, int], origin: Fraction
) -> Iterator[tuple[Fraction, Any]]:
    if not copies:
        return
    for packet in container.demux([container.streams[index] for index in copies]):
        if not packet.size or (packet.pts is None and packet.dts is None):
            continue
        index = packet.stream_index
        base = fraction(packet.time_base) or Fraction(1)
        shift = round(origin / base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        ticks: Any = packet.pts if packet.dts is None else packet.dts
        when = Fraction(int(ticks)) * base
        counts[index] += 1
        packet.stream = copies[index]
        yield when, packet
