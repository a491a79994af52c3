"""Cover pictures: files inside Matroska, items of the film's own metadata inside MP4.

FFmpeg reads either as a stream of pictures with one packet in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from retake.media.muxing.form import Form
from retake.media.opening import open_source

_TYPES = {
    "mjpeg": ("image/jpeg", ".jpg"),
    "png": ("image/png", ".png"),
    "gif": ("image/gif", ".gif"),
    "bmp": ("image/bmp", ".bmp"),
    "tiff": ("image/tiff", ".tiff"),
    "webp": ("image/webp", ".webp"),
}
_IN_MP4 = frozenset({"mjpeg", "png", "bmp"})


def is_cover(stream: Any) -> bool:
    """Return whether a stream is a still picture that stands for the film."""
    return bool(stream.disposition & Disposition.attached_pic)


def add_cover(out: Any, src: Path, old: Any, form: Form) -> list[Any] | None:
    """Give a cover picture its place in a new file whose head is not written yet.

    Args:
        out: The container.
        src: The source file.
        old: The source's stream.
        form: What is written.

    Returns:
        The packets that bring its bytes, before all others; None without room for it.
    """
    codec = old.codec_context.name if old.codec_context is not None else ""
    data = _bytes_of(src, old.index)
    if not data or codec not in _TYPES:
        return None
    if form.file_type == "mkv":
        kind, ending = _TYPES[codec]
        # By these names players know it for the cover.
        name = old.metadata.get("filename", "cover" + ending)
        new = out.add_attachment(name, old.metadata.get("mimetype", kind), data)
        if "title" in old.metadata:
            new.metadata["title"] = old.metadata["title"]
        return []
    # FFmpeg writes none into MOV, and an empty track beside it into a fragmented file.
    if form.file_type != "mp4" or "frag" in form.options["movflags"] or codec not in _IN_MP4:
        return None
    new = out.add_stream_from_template(old, opaque=True)
    new.codec_context.codec_tag = "\0\0\0\0"
    new.disposition = Disposition.attached_pic
    packet = av.Packet(data)
    packet.stream = new
    return [packet]


def _bytes_of(src: Path, index: int) -> bytes:
    with open_source(src) as container:
        for packet in container.demux(container.streams[index]):
            if packet.size:
                return bytes(packet)
    return b""
