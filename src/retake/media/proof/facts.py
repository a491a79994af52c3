"""What two files say of themselves, side by side, in words."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from retake.core.proof import Fact
from retake.core.source import AudioStream, Source, VideoStream
from retake.core.timing import seconds_text
from retake.media.proof.reading import FileRead, StreamRead

_NOT_TOLD = frozenset({"encoder", "major_brand", "minor_version", "compatible_brands", "duration"})
"""Metadata that every writer of files puts in for itself."""

_NONE = "none"

_PRIMING_S = Fraction(1, 20)
"""By so much, containers tell differently what of a track is the encoder's priming."""


def facts_of(source: Source, before: FileRead, output: Source, after: FileRead) -> tuple[Fact, ...]:
    """Return every property of the two files, equal ones too."""
    return (
        Fact("container", _container(source, before), _container(output, after)),
        *_pair("picture", _video(source.video), _video(output.video)),
        _film_length(source.video, output.video),
        *_sounds(source, output),
        *_tracks(before, after),
        Fact("chapters", _chapters(before), _chapters(after), weighs=bool(before.chapters)),
        *_metadata(before, after),
    )


def name_of(stream: StreamRead) -> str:
    """Return what people call a stream: its language, its title; empty when it has neither."""
    language = "" if stream.language in {"", "und"} else stream.language
    generic = {"", "VideoHandler", "SoundHandler", "ISO Media file produced by Google Inc."}
    title = "" if stream.title in generic else stream.title
    return ", ".join(part for part in (language, title) if part)


def _pair(prefix: str, before: dict[str, str], after: dict[str, str]) -> Iterator[Fact]:
    for about in before | after:
        told = before.get(about, _NONE), after.get(about, _NONE)
        # What another codec makes of the pictures is measured on the pictures.
        yield Fact(f"{prefix} {about}", *told, weighs=about != "codec")


def _container(source: Source, read: FileRead) -> str:
    name = "MP4/MOV" if "mp4" in read.container else read.container.split(",")[0]
    return f"{name}, fragmented" if source.fragmented else name


def _video(video: VideoStream) -> dict[str, str]:
    width, height = video.width, video.height
    colour = video.colour
    return {
        "codec": f"{video.codec} {video.profile}" if video.profile else video.codec,
        "size": f"{width} x {height}",
        "format": f"{video.pix_fmt}, {video.bit_depth} bit",
        "frames": str(len(video.pts)),
        "frame rate": f"{float(video.frame_rate):.6g} frames/s",
        "rotation": f"{video.rotation} degrees",
        "pixel shape": f"{video.sample_aspect_ratio.numerator}:"
        f"{video.sample_aspect_ratio.denominator}",
        "colours": f"primaries {colour.primaries}, transfer {colour.transfer}, "
        f"matrix {colour.matrix}, {'full' if colour.full_range else 'studio'} range",
        "scan": "interlaced" if video.interlaced else "progressive",
    }


def _film_length(before: VideoStream, after: VideoStream) -> Fact:
    """Tell how long both films are; alike where they differ by a container's clock only."""
    told = [f"{seconds_text(video.duration)} s" for video in (before, after)]
    same = abs(before.duration - after.duration) <= max(before.time_base, after.time_base)
    return Fact("picture length", told[0], told[0] if same else told[1], weighs=True)


def _sounds(source: Source, output: Source) -> Iterator[Fact]:
    counts = len(source.audio), len(output.audio)
    yield Fact("sound tracks", *(str(count) for count in counts), weighs=counts[1] < counts[0])
    theirs = sorted(source.audio, key=lambda audio: audio.index)
    ours = sorted(output.audio, key=lambda audio: audio.index)
    for number, (a, b) in enumerate(zip(theirs, ours, strict=False), start=1):
        yield from _pair(f"sound {number}", _audio(a), _audio(b))
        yield _lengths(number, a, b)


def _audio(audio: AudioStream) -> dict[str, str]:
    return {
        "codec": f"{audio.codec} {audio.profile}" if audio.profile else audio.codec,
        "rate": f"{audio.sample_rate} Hz",
        "channels": f"{audio.channels} ({audio.layout})",
    }


def _lengths(number: int, before: AudioStream, after: AudioStream) -> Fact:
    """Tell where both tracks begin and end; alike where they differ by a container's clock only."""
    ends = [(audio.start, audio.start + audio.duration) for audio in (before, after)]
    coarse = max(before.time_base, after.time_base, Fraction(1, 1000))
    told = [f"{seconds_text(start)} to {seconds_text(end)} s" for start, end in ends]
    late = max(abs(a - b) for a, b in zip(*ends, strict=True))
    after_told = told[0] if late <= coarse else told[1]
    return Fact(f"sound {number} lies", told[0], after_told, weighs=late > _PRIMING_S)


def _tracks(before: FileRead, after: FileRead) -> Iterator[Fact]:
    """Tell every other stream, and what every stream is called."""
    for kind in ("video", "audio", "subtitle", "data", "attachment"):
        theirs, ours = (
            [s for s in read.streams.values() if s.kind == kind] for read in (before, after)
        )
        for number in range(1, max(len(theirs), len(ours)) + 1):
            a = theirs[number - 1] if number <= len(theirs) else None
            b = ours[number - 1] if number <= len(ours) else None
            yield Fact(f"{kind} track {number}", _told(a), _told(b), weighs=a is None or b is None)
            if a and b and (kind not in {"video", "audio"} or (kind == "video" and number > 1)):
                yield Fact(f"{kind} track {number} content", "its own", _content(a, b), weighs=True)


def _told(stream: StreamRead | None) -> str:
    if stream is None:
        return _NONE
    return "; ".join(part for part in (name_of(stream), _roles(stream)) if part) or "unnamed"


def _roles(stream: StreamRead) -> str:
    named = {1: "default", 2: "dub", 4: "original", 8: "commentary", 64: "forced"}
    roles = [name for flag, name in named.items() if stream.roles & flag]
    return ", ".join(roles)


def _content(before: StreamRead, after: StreamRead) -> str:
    ours = [packet.digest for packet in before.packets]
    theirs = [packet.digest for packet in after.packets]
    if ours == theirs:
        return "its own"
    return f"{len(set(ours) & set(theirs))} of {len(ours)} packets are the source's"


def _chapters(read: FileRead) -> str:
    told = [f"{title or 'unnamed'} {seconds_text(start)} s" for start, _, title in read.chapters]
    return "; ".join(told) or _NONE


def _metadata(before: FileRead, after: FileRead) -> Iterator[Fact]:
    # Writers of MP4 spell some names in lower case that others spell in capitals.
    theirs, ours = ({k.lower(): v for k, v in read.metadata.items()} for read in (before, after))
    for name in sorted((theirs.keys() | ours.keys()) - _NOT_TOLD):
        yield Fact(f"metadata {name}", theirs.get(name, _NONE), ours.get(name, _NONE))
