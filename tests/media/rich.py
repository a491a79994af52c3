"""A file with everything beside pictures and sound that a container can hold, and its inventory."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from tests.clips import make_clip, tone

FONT = b"\x00\x01\x00\x00 no real font, but bytes that have to come through"
CHAPTERS = [(0, 900, "One"), (900, 2000, "Two")]


def make_rich(folder: Path, name: str, *, subtitles: bool = True, **options: Any) -> Path:
    """Write a clip with two languages, chapters, subtitles, a font and a title.

    Args:
        folder: Where.
        name: The file's name; its ending says which container.
        subtitles: Whether it has some, and a font for them.
        options: For `make_clip`, which makes the pictures and the first sound.
    """
    plain = make_clip(folder / f"plain-{name}", seconds=2, **options)
    path = folder / name
    with av.open(plain) as old, av.open(path, "w") as out:
        streams: dict[int, Any] = {}
        for stream in old.streams:
            new = out.add_stream_from_template(stream, opaque=True)
            new.metadata["title" if stream.type == "video" else "language"] = "ita"
            streams[stream.index] = new
        second: Any = out.add_stream(
            old.streams.audio[0].codec_context.name.replace("opus", "libopus")
        )
        second.codec_context.sample_rate, second.codec_context.layout = 48000, "mono"
        second.metadata.update({"language": "eng", "title": "Commentary"})
        second.disposition = Disposition.default | Disposition.comment
        texts = av.open(_subtitles(folder)) if subtitles else None
        if texts is not None:
            line: Any = out.add_stream_from_template(texts.streams[0])
            line.metadata["language"] = "fra"
            out.add_attachment("font.ttf", "font/ttf", FONT)
        out.metadata.update({"title": "A film", "artist": "Somebody"})
        out.set_chapters(
            [
                {
                    "id": n,
                    "start": a,
                    "end": b,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": t},
                }
                for n, (a, b, t) in enumerate(CHAPTERS, 1)
            ]
        )
        for packet in old.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
        frame = av.AudioFrame.from_ndarray(tone(2, 48000, 1), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        out.mux([*second.encode(frame), *second.encode(None)])
        if texts is not None:
            with texts:
                for packet in texts.demux():
                    if packet.size:
                        packet.stream = line
                        out.mux(packet)
    return path


def _subtitles(folder: Path) -> Path:
    path = folder / "subtitles.srt"
    path.write_text("1\n00:00:00,500 --> 00:00:01,300\nHello\n")
    return path


def inventory(path: Path) -> dict[str, Any]:
    """Return all that a file tells of itself, but for what every muxer writes of its own."""
    own = {"ENCODER", "encoder", "DURATION", "HANDLER_NAME", "handler_name"}
    with av.open(path) as container:
        return {
            "metadata": {k.lower(): v for k, v in container.metadata.items() if k not in own},
            "chapters": [
                (
                    c["start"] * Fraction(c["time_base"]),
                    c["end"] * Fraction(c["time_base"]),
                    c["metadata"],
                )
                for c in container.chapters()
            ],
            "streams": [_told(stream, own) for stream in container.streams],
        }


def _told(stream: Any, own: set[str]) -> dict[str, Any]:
    coder = stream.codec_context
    told = {
        "type": stream.type,
        "codec": None if coder is None else coder.name,
        "metadata": {k: v for k, v in stream.metadata.items() if k not in own},
        "disposition": int(stream.disposition),
        "start": stream.start_time,
    }
    if stream.type == "video":
        told |= {
            "shape": (coder.width, coder.height, stream.sample_aspect_ratio, stream.average_rate),
            "colour": (coder.color_range, coder.color_primaries, coder.color_trc, coder.colorspace),
        }
    if stream.type == "attachment":
        told["data"] = bytes(stream.data)
    return told
