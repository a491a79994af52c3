"""Reading every packet of a file once: its times, its digest, what is said of its stream."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.error

from retake.media.decode import Beat, no_beat
from retake.media.muxing.covers import is_cover
from retake.media.opening import damaged, fraction, open_source


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet's times, in its stream's time base, and the digest of its bytes."""

    pts: int
    dts: int | None
    digest: bytes
    key: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class StreamRead:
    """One stream: what the container says of it, and its packets in decode order.

    Attributes:
        index: Stream index in the container.
        kind: FFmpeg's media type: ``video``, ``audio``, ``subtitle``, ``data`` …
        codec: FFmpeg's codec name; empty when it is not known.
        time_base: Seconds that one unit of its packets' times stands for.
        config: Digest of the decoder configuration.
        language, title: What its metadata tells; empty when nothing.
        roles: FFmpeg's disposition flags as a number.
        packets: Its packets.
    """

    index: int
    kind: str
    codec: str
    time_base: Fraction
    config: bytes
    language: str
    title: str
    roles: int
    packets: list[Packet] = field(default_factory=list[Packet])


@dataclass(frozen=True, slots=True)
class FileRead:
    """All streams of a file by their index, and what it says of itself."""

    container: str
    streams: dict[int, StreamRead]
    metadata: dict[str, str]
    chapters: tuple[tuple[Fraction, Fraction, str], ...]


def read_file(path: Path, beat: Beat = no_beat) -> FileRead:
    """Return every packet of every stream of a file, in one pass.

    Args:
        path: The file.
        beat: Called for every packet.

    Raises:
        BadSource: `damaged`: a packet cannot be read.
    """
    with open_source(path) as container:
        streams = {stream.index: _describe(stream) for stream in container.streams}
        try:
            for packet in container.demux():
                beat()
                if packet.size and (packet.pts is not None or is_cover(packet.stream)):
                    streams[packet.stream_index].packets.append(_packet(packet))
        except av.error.FFmpegError as error:
            raise damaged("a packet cannot be read") from error
        return FileRead(
            container.format.name,
            streams,
            dict(container.metadata),
            tuple(_chapter(chapter) for chapter in container.chapters()),
        )


def _packet(packet: Any) -> Packet:
    return Packet(
        # Cover pictures have no time.
        packet.pts or 0,
        packet.dts,
        hashlib.blake2b(memoryview(packet), digest_size=16).digest(),
        bool(packet.is_keyframe),
        bool(packet.is_discard),
    )


def _describe(stream: Any) -> StreamRead:
    context = stream.codec_context
    config = b"" if context is None else bytes(context.extradata or b"")
    return StreamRead(
        index=stream.index,
        kind=stream.type,
        codec="" if context is None else context.codec.canonical_name,
        time_base=fraction(stream.time_base) or Fraction(1),
        config=hashlib.blake2b(config, digest_size=16).digest(),
        language=stream.metadata.get("language", ""),
        title=stream.metadata.get("title", "") or stream.metadata.get("handler_name", ""),
        roles=int(stream.disposition),
    )


def _chapter(chapter: Any) -> tuple[Fraction, Fraction, str]:
    base = fraction(chapter["time_base"]) or Fraction(1)
    title = dict(chapter.get("metadata") or {}).get("title", "")
    return chapter["start"] * base, chapter["end"] * base, title
