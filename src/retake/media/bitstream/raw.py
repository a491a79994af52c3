"""H.264 pictures of raw samples: every macroblock is I_PCM, so they decode to exactly these.

Syntax: ITU-T H.264 (08/2021), 7.3.5 (macroblock layer); I_PCM is mb_type 25 of I slices (table
7-11). Such macroblocks count as quantised with 0 and are not filtered (8.7.2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retake.media.bitstream.h264 import Sps
from retake.media.bitstream.headers import I
from retake.media.bitstream.nal import H264_PPS, escape
from retake.media.bitstream.placing import Place
from retake.media.bitstream.writing import BitString

_PCM = 25
_MB = 16


def raw_pps(pps_id: int, sps_id: int) -> bytes:
    """Return the picture parameter set of raw pictures: a NAL unit."""
    bits = BitString().fixed(3, 3).fixed(H264_PPS, 5).unsigned(pps_id).unsigned(sps_id)
    bits.fixed(0, 2)  # no CABAC, one order count for a frame
    bits.unsigned(0).unsigned(0).unsigned(0)  # slice groups, references of either list
    bits.fixed(0, 3)  # no weights
    bits.signed(0).signed(0).signed(0)  # quantisers
    bits.fixed(0b100, 3)  # deblocking can be turned off, no constrained intra, nothing redundant
    return escape(bits.ended())


def raw_picture(
    planes: Sequence[NDArray[Any]], depth: int, sps: Sps, pps_id: int, place: Place
) -> bytes:
    """Return a picture as one NAL unit.

    Args:
        planes: Its planes as coded: whole macroblocks, the hidden ones at the edges too.
        depth: Bits of a sample, in luma and chroma alike.
        sps: The stream's sequence parameter set.
        pps_id: Id of `raw_pps`.
        place: Where it stands in the stream.

    Raises:
        ValueError: The planes are of another size.
    """
    width, height = sps.size
    if planes[0].shape != (height * _MB, width * _MB):
        raise ValueError(f"planes of {planes[0].shape} in a picture of {height}x{width} blocks")
    blocks = np.concatenate([_blocks(plane, width, height) for plane in planes], axis=1)
    bits = place.begin(sps, 0, I, pps_id)
    place.mark(bits)
    bits.signed(0).unsigned(1)  # slice_qp_delta, disable_deblocking_filter_idc
    head = bits.unsigned(_PCM).aligned(0)
    between = BitString().unsigned(_PCM).aligned(0)
    samples = _packed(blocks, depth)
    data = np.empty((len(samples), len(between) + samples.shape[1]), np.uint8)
    data[:, : len(between)] = np.frombuffer(between, np.uint8)
    data[:, len(between) :] = samples
    return escape(head + data.tobytes()[len(between) :] + b"\x80")


def _blocks(plane: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """Return a plane's samples as ``[macroblocks, samples]``."""
    rows, columns = plane.shape[0] // height, plane.shape[1] // width
    parts = plane.reshape(height, rows, width, columns).transpose(0, 2, 1, 3)
    return parts.reshape(height * width, rows * columns)


def _packed(blocks: NDArray[Any], depth: int) -> NDArray[np.uint8]:
    if depth == 8:
        return blocks
    packed = [
        np.packbits(
            (row[:, None] >> np.arange(depth - 1, -1, -1, dtype=row.dtype) & 1).astype(np.uint8)
        )
        for row in blocks
    ]
    return np.stack(packed)
