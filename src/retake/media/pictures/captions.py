"""Closed captions of pictures that are encoded again: what was said goes on being said.

Broadcasters' captions (CEA-608 and 708, ATSC A/53) lie beside each picture, in messages within its
packet. They belong to the moment, not to the picture: a new one in its place takes them over.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import BinaryIO

from retake.media.bitstream.messages import REGISTERED, broadcast_in, with_messages
from retake.media.opening import open_source
from retake.media.packets import packets_of
from retake.media.pictures.encode import Encoded
from retake.media.pictures.task import Task

_SIZE_AT = {"h264": 4, "hevc": 21}
"""Where avcC and hvcC tell the bytes of a NAL unit's length (ISO/IEC 14496-15)."""


def captioned(
    task: Task, order: Sequence[int | Encoded], codec: str | None = None
) -> tuple[int | Encoded, ...]:
    """Return places of a stream whose new packets say what the source's say at the same moments.

    Args:
        task: The stream, and where new samples go.
        order: What stands in each place; see `Spliced.order`.
        codec: Of the new packets, with lengths of four bytes; None for the source's own ways.

    Raises:
        Unspliceable: A packet of the source is damaged.
    """
    if task.video.codec not in _SIZE_AT or (codec or task.video.codec) not in _SIZE_AT:
        return tuple(order)
    size = (task.config()[_SIZE_AT[task.video.codec]] & 3) + 1
    said = _said(task, {new.pts for new in order if isinstance(new, Encoded)}, size)
    if not said:
        return tuple(order)

    def saying(new: int | Encoded) -> int | Encoded:
        if isinstance(new, int) or new.pts not in said:
            return new
        kind, length_size = codec or task.video.codec, 4 if codec else size
        sample = _read(task.spool, new)
        if broadcast_in(kind, sample, length_size):
            # The source's own, with another header.
            return new
        sample = with_messages(kind, sample, REGISTERED, said[new.pts], length_size)
        start = task.spool.seek(0, os.SEEK_END)
        task.spool.write(sample)
        return replace(new, start=start, size=len(sample))

    return tuple(saying(new) for new in order)


def _said(task: Task, moments: Collection[int], length_size: int) -> dict[int, tuple[bytes, ...]]:
    said: dict[int, tuple[bytes, ...]] = {}
    left = set(moments)
    with open_source(task.src) as container:
        for packet in packets_of(container, task.video.index):
            if packet.pts in left:
                left.remove(packet.pts)
                found = broadcast_in(task.video.codec, bytes(packet), length_size)
                if found:
                    said[packet.pts] = found
            if not left:
                break
    return said


def _read(spool: BinaryIO, new: Encoded) -> bytes:
    spool.seek(new.start)
    return spool.read(new.size)
