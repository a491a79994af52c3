"""Whether a file is all there, told from its outermost boxes: an interrupted copy is found at once.

MP4/MOV (ISO/IEC 14496-12), Matroska/WebM (RFC 8794) and RIFF/AVI say at the front of each part how
long it is. A file that ends before a part does was cut off. Other containers don't tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from retake.core.errors import BadSource

_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"})
_MEDIA_BOXES = frozenset({b"moov", b"mdat", b"moof"})
_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_MAX_BOXES = 100_000


def check_whole(path: Path, size: int) -> None:
    """Return when nothing shows that the end of the file is missing.

    Args:
        path: A readable file.
        size: Its length in bytes.

    Raises:
        BadSource: `truncated`: the file ends too early.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in _FIRST_BOXES:
            _check_boxes(file, size)
        elif head[:4] == _EBML:
            _check_segment(file, size)
        elif head[:4] == b"RIFF" and 8 + int.from_bytes(head[4:8], "little") > size:
            raise truncated(8 + int.from_bytes(head[4:8], "little") - size)


def is_fragmented(path: Path, size: int) -> bool:
    """Return whether an MP4 or MOV file keeps its packets in movie fragments."""
    with path.open("rb") as file:
        return any(kind == b"moof" for kind, _ in _boxes(file, size))


def truncated(missing: int | None = None) -> BadSource:
    """Return the error for a file whose end is missing, by so many bytes where that is known."""
    lack = "its end is missing" if missing is None else f"at least {missing} bytes are missing"
    return BadSource(
        "truncated",
        f"the file is cut off: {lack}; a complete file is accepted",
        param="video_uri",
    )


def _boxes(file: BinaryIO, size: int) -> list[tuple[bytes, int]]:
    """Return the kind and the end of every outermost box."""
    found: list[tuple[bytes, int]] = []
    at = 0
    while at + 8 <= size and len(found) < _MAX_BOXES:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8:
            break
        at += length
        found.append((head[4:8], at))
    return found


def _check_boxes(file: BinaryIO, size: int) -> None:
    boxes = _boxes(file, size)
    for kind, end in boxes:
        # Rubbish after the last real box looks like a box of any length and does no harm.
        if kind in _MEDIA_BOXES and end > size:
            raise truncated(end - size)
    kinds = {kind for kind, _ in boxes}
    if b"mdat" in kinds and b"moov" not in kinds:
        raise truncated()


def _check_segment(file: BinaryIO, size: int) -> None:
    file.seek(4)
    length, width = _vint(file.read(8))
    at = 4 + width + length
    file.seek(at)
    head = file.read(12)
    if head[:4] != _SEGMENT:
        return
    length, width = _vint(head[4:])
    # All ones means "not known", as in a recording that was never finished properly.
    if length != (1 << 7 * width) - 1 and at + 4 + width + length > size:
        raise truncated(at + 4 + width + length - size)


def _vint(data: bytes) -> tuple[int, int]:
    """Return the value of an EBML variable-length integer and its width in bytes."""
    if not data or not data[0]:
        return 0, 8
    width = 9 - data[0].bit_length()
    value = int.from_bytes(data[:width], "big") & ((1 << 7 * width) - 1)
    return value, width
