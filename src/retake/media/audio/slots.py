"""Exchanging sound in the tables of an MP4 or MOV: new packets in old slots, all times kept."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from retake.media.audio.spliced import SplicedSound
from retake.media.mp4.boxes import Box
from retake.media.mp4.edits import Edit, Overwrite, Piece, Slots
from retake.media.mp4.tables import Track
from retake.media.pictures.exchange import slots_of
from retake.media.unspliceable import Unspliceable


def spliced_edit(track: Track, old: bytes, done: SplicedSound, spool: BinaryIO) -> Edit:
    """Return what happens to a track's tables and samples.

    Args:
        track: Its tables.
        old: The source's decoder configuration, FFmpeg's extradata.
        done: What was spliced.
        spool: Takes the new packets' bytes; it has to live until the file is written.

    Raises:
        Unspliceable: The packets are not the track's samples.
    """
    # FFmpeg reads many samples of PCM at a time: they lie one by one in the tables.
    if len(done.packets) < track.count and len(set(track.sizes.tolist())) == 1:
        return _overwritten(track, done, spool)
    order: list[int | Piece] = list(range(track.count))
    slots = slots_of(track, done.packets)
    for number, data in done.replaced().items():
        order[slots[number]] = Piece(spool, spool.tell(), len(data))
        spool.write(data)
    stsd = None if done.config is None else _described(track, old, done.config)
    return Slots(order, stsd=stsd)


def _described(track: Track, old: bytes, new: bytes) -> Box:
    """Return the sample description with another decoder configuration of the same length."""
    payload = track.stbl.get(b"stsd").payload
    if len(old) != len(new) or payload.count(old) != 1:
        raise Unspliceable("its sample description is an unusual one")
    return Box(b"stsd", payload.replace(old, new))


def _overwritten(track: Track, done: SplicedSound, spool: BinaryIO) -> Overwrite:
    width = int(track.sizes[0])
    first, last = done.touched
    old = done.packets[first:last]
    samples = [int(np.searchsorted(track.offsets, packet.pos)) for packet in old]
    counts = [packet.size // width for packet in old]
    follow = [sample + count for sample, count in zip(samples, counts, strict=True)]
    if (
        samples[-1] >= track.count
        or any(int(track.offsets[s]) != p.pos for s, p in zip(samples, old, strict=True))
        or samples[1:] != follow[:-1]
        or [len(data) for data in done.data] != [packet.size for packet in old]
    ):
        raise Unspliceable("its packets are not the track's samples")
    piece = Piece(spool, spool.tell(), sum(map(len, done.data)))
    spool.writelines(done.data)
    return Overwrite(samples[0], piece)
