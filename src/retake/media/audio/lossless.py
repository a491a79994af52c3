"""New sound in a lossless track: the packets that the section lies in are made anew, exactly.

Where such a packet reaches out of the section it holds the source's own samples, so that every
sample outside is the source's, whatever packets the section begins and ends in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.frames import layout_name, packed_frames
from retake.media.audio.timeline import Place, Timeline
from retake.media.opening import open_source
from retake.media.packets import packets_of
from retake.media.sound import native_samples
from retake.media.unspliceable import Unspliceable

Block = NDArray[np.signedinteger[Any]]
"""One packet's samples ``[channels, n]``, int16 or int32, full scale at the type's own."""

Opened = Callable[[int], Any]
"""Opens an encoder for blocks of so many samples."""


def packets_at(line: Timeline, place: Place) -> range:
    """Return the numbers of the packets that hold samples of a place."""
    hit = [
        n
        for n in range(place.low, place.high)
        if line.starts[n] < place.end and line.end(n) > place.first
    ]
    return range(hit[0], hit[-1] + 1)


def new_blocks(
    path: Path, audio: AudioStream, line: Timeline, place: Place, bits: int
) -> list[Block]:
    """Return what the packets at a place have to hold: the source's samples and the new ones.

    Args:
        path: The source.
        audio: The track, in a codec that decodes every packet by itself.
        line: Its timeline.
        place: Where the new sound belongs.
        bits: Bits of a sample that count.

    Raises:
        Unspliceable: A packet cannot be decoded, or does not hold the samples that it should.
    """
    hit = packets_at(line, place)
    blocks = list(_decoded(path, audio, hit))
    if [block.shape for block in blocks] != [(audio.channels, line.lengths[n]) for n in hit]:
        raise Unspliceable("its packets do not hold what they should")
    whole = np.concatenate(blocks, axis=1)
    at = place.first - line.starts[hit.start]
    new = quantised(place.samples, bits, whole.dtype)
    whole[:, at : at + new.shape[1]] = new
    cuts = [line.end(n) - line.starts[hit.start] for n in hit[:-1]]
    return np.split(whole, cuts, axis=1)


def quantised(samples: NDArray[np.float32], bits: int, dtype: Any) -> Block:
    """Return samples as integers of `bits` bits, at the top of their type."""
    scale = 2.0 ** (bits - 1)
    values = np.clip(np.rint(samples.astype(np.float64) * scale), -scale, scale - 1)
    return values.astype(np.int64).astype(dtype) << (8 * np.dtype(dtype).itemsize - bits)


def block_encoder(
    codec: str, formats: Mapping[int, str], audio: AudioStream, bits: int, block: int
) -> Any:
    """Return an open encoder of a lossless codec for blocks of one length, all but the last one.

    Args:
        codec: FFmpeg's name of the encoder.
        formats: What it takes samples as, by the bits of them that count.
        audio: The track, whose rate and layout it gets.
        bits: Bits of a sample that count.
        block: Samples of each channel in a block.

    Raises:
        Unspliceable: The depth is none that can be encoded.
        ValueError: FFmpeg refuses the rate or layout.
    """
    if bits not in formats:
        raise Unspliceable(f"{codec.upper()} of {bits} bits cannot be encoded")
    coder: Any = av.CodecContext.create(codec, "w")
    coder.sample_rate, coder.layout, coder.format = (
        audio.sample_rate,
        layout_name(audio),
        formats[bits],
    )
    coder.options = {"frame_size": str(block), "bits_per_raw_sample": str(bits)}
    coder.flags |= 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER
    coder.open()
    return coder


def encode_blocks(opened: Opened, blocks: Sequence[Block]) -> list[bytes]:
    """Return one packet for each block.

    Raises:
        Unspliceable: The encoder does not give one for each, or cannot be opened.
    """
    packets: list[bytes] = []
    # A block that differs in length can only be an encoder's last.
    for length, group in groupby(blocks, key=lambda block: int(block.shape[1])):
        try:
            packets += _encoded(opened(length), list(group))
        except (ValueError, av.error.FFmpegError) as error:
            raise Unspliceable("its form cannot be encoded") from error
    if len(packets) != len(blocks):
        raise Unspliceable("the encoder did not return one packet for every block")
    return packets


def _encoded(coder: Any, blocks: Sequence[Block]) -> Iterator[bytes]:
    whole = np.concatenate(blocks, axis=1)
    name, length = f"s{8 * whole.itemsize}", blocks[0].shape[1]
    for frame in packed_frames(whole, name, coder.sample_rate, coder.layout.name, length):
        yield from map(bytes, coder.encode(frame))
    # FFmpeg's FLAC encoder ends with an empty packet that only tells what STREAMINFO says now.
    yield from (bytes(packet) for packet in coder.encode(None) if packet.size)


def _decoded(path: Path, audio: AudioStream, numbers: range) -> Iterator[Block]:
    """Yield the decoded samples of packets, each decoded by itself."""
    with open_source(path) as container:
        coder: Any = container.streams[audio.index].codec_context
        try:
            for number, packet in enumerate(packets_of(container, audio.index)):
                if number >= numbers.stop:
                    break
                if number in numbers:
                    parts = [native_samples(frame) for frame in coder.decode(packet)]
                    yield np.concatenate(parts, axis=1)
        except (ValueError, av.error.FFmpegError) as error:
            raise Unspliceable("a packet at the section cannot be decoded") from error
