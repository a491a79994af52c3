"""Copying runs of bytes from file to file, a block at a time."""

from __future__ import annotations

from typing import BinaryIO

from retake.core.watch import Watch
from retake.media.mp4.edits import Piece
from retake.media.unspliceable import Unspliceable

_BLOCK = 1024**2


def copy(piece: Piece, dst: BinaryIO, watch: Watch) -> None:
    """Append a piece to a file.

    Raises:
        Unspliceable: The piece reaches past the end of its file.
        OSError: Reading or writing failed.
        Cancelled: The watch was cancelled.
    """
    piece.file.seek(piece.start)
    left = piece.size
    while left:
        watch.check()
        block = piece.file.read(min(left, _BLOCK))
        if not block:
            raise Unspliceable("its data ends before its tables do")
        dst.write(block)
        left -= len(block)
