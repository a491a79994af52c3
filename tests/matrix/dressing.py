"""Turning a plain clip into an awkward one: other containers, more tracks, names, edit lists."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

_ASS = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\nFormat: Name, Fontname, Fontsize"
    b"\r\nStyle: Default,Arial,16\r\n\r\n[Events]\r\nFormat: Layer, Start, End, Style, Text\r\n"
)


@dataclass(frozen=True)
class Dress:
    """What a copy of a clip gets on top of its packets.

    Attributes:
        container: FFmpeg's muxer; None goes by the ending.
        options: The muxer's options.
        tag: Four-character code of the pictures.
        skip: Seconds at the start that an edit list hides.
        more: Clips whose streams come after the first one's own.
        subtitles: Encoder of a track of subtitles with two lines in it.
        chapters: Whether the file has two chapters.
        metadata: The file's own names.
        streams: Names of each stream, by its place; subtitles come last.
    """

    container: str | None = None
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    tag: str | None = None
    skip: Fraction = Fraction(0)
    more: Sequence[Path] = ()
    subtitles: str | None = None
    chapters: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    streams: Mapping[int, Mapping[str, str]] = field(default_factory=dict[int, Mapping[str, str]])


def dressed(src: Path, dst: Path, dress: Dress) -> Path:
    """Copy a clip's packets into a new file with everything that `dress` says."""
    options = dict(dress.options)
    if dress.skip:
        options["avoid_negative_ts"] = "disabled"
    with ExitStack() as files:
        inputs = [files.enter_context(av.open(path)) for path in (src, *dress.more)]
        out = files.enter_context(
            av.open(dst, "w", format=dress.container, container_options=options)
        )
        copies = _copies(out, inputs, dress.tag)
        lines = out.add_stream(dress.subtitles) if dress.subtitles else None
        _name(out, lines, dress)
        for packet in _packets(inputs, dress.skip):
            packet.stream = copies[packet.opaque]
            out.mux_one(packet)
        for packet in _subtitles(lines):
            out.mux_one(packet)
    return dst


def _copies(out: Any, inputs: Sequence[Any], tag: str | None) -> dict[tuple[int, int], Any]:
    copies: dict[tuple[int, int], Any] = {}
    for number, container in enumerate(inputs):
        for stream in container.streams:
            new = copies[number, stream.index] = out.add_stream_from_template(stream, opaque=True)
            if tag and stream.type == "video":
                new.codec_context.codec_tag = tag
    return copies


def _name(out: Any, lines: Any, dress: Dress) -> None:
    if lines is not None:
        lines.codec_context.subtitle_header = _ASS
    for at, names in dress.streams.items():
        out.streams[at].metadata.update(names)
    out.metadata.update(dress.metadata)
    if dress.chapters:
        out.set_chapters(
            [{"id": n, "start": n * 1000, "end": (n + 1) * 1000, **_chapter(n)} for n in range(2)]
        )


def _chapter(number: int) -> Any:
    return {"time_base": Fraction(1, 1000), "metadata": {"title": f"part {number + 1}"}}


def _packets(inputs: Sequence[Any], skip: Fraction) -> list[Any]:
    found: list[tuple[Fraction, Any]] = []
    for number, container in enumerate(inputs):
        for packet in container.demux():
            if not packet.size:
                continue
            shift = round(skip / packet.time_base)
            packet.pts -= shift
            packet.dts -= shift
            packet.opaque = number, packet.stream_index
            found.append((packet.dts * packet.time_base, packet))
    return [packet for _, packet in sorted(found, key=lambda item: item[0])]


def _subtitles(stream: Any) -> list[Any]:
    made: list[Any] = []
    for number, text in enumerate((b"hello", b"good bye") if stream else ()):
        data = text
        if stream.codec_context.name == "mov_text":
            data = struct.pack(">H", len(text)) + text
        packet = av.Packet(data)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = 300 + 1000 * number
        packet.duration = 600
        made.append(packet)
    return made


def two_descriptions(src: Path, dst: Path) -> Path:
    """Copy an MP4 whose first track then has two sample descriptions, both of which are used.

    The second one is a copy of the first, as if two recordings had been joined; moov has to be
    the file's last box. Layout: ISO/IEC 14496-12, sections 8.5.2 (stsd) and 8.7.4 (stsc).
    """
    data = src.read_bytes()
    at = data.index(b"stsd") - 4
    size = struct.unpack_from(">I", data, at)[0]
    entry = data[at + 16 : at + size]
    stsd = struct.pack(">I4sII", size + len(entry), b"stsd", 0, 2) + 2 * entry
    grown = data[:at] + stsd + data[at + size :]
    # The chunks in the second half of the table use the second description.
    runs = grown.index(b"stsc", at) - 4
    count = struct.unpack_from(">I", grown, runs + 12)[0]
    chunks = struct.unpack_from(">I", grown, grown.index(b"stco", at) + 8)[0]
    table = [struct.unpack_from(">III", grown, runs + 16 + 12 * n) for n in range(count)]
    middle = chunks // 2 + 1
    before = [row for row in table if row[0] < middle]
    after = [(row[0], row[1], 2) for row in table if row[0] > middle]
    new = [*before, (middle, (before[-1])[1], 2), *after]
    if any(row[0] == middle for row in table):
        new = [*before, next((r[0], r[1], 2) for r in table if r[0] == middle), *after]
    body = struct.pack(">I4sII", 16 + 12 * len(new), b"stsc", 0, len(new))
    body += b"".join(struct.pack(">III", *row) for row in new)
    end = runs + 16 + 12 * count
    result = bytearray(grown[:runs] + body + grown[end:])
    grew = len(result) - len(data)
    # Every box around the two tables is longer now.
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        box = result.index(kind, data.rindex(b"moov") - 4) - 4
        struct.pack_into(">I", result, box, struct.unpack_from(">I", result, box)[0] + grew)
    dst.write_bytes(result)
    return dst
