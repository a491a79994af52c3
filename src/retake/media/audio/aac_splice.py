"""New sound between the packets of an AAC track: only those that sound inside the section change.

An AAC packet spans two frames of 1024 samples: what is heard in frame k is packet k-1's fading half
plus packet k's rising one. So packet first-1 is made anew as well, from the source's own sound, and
the aliasing of the two halves cancels everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio import aac
from retake.media.opening import open_source
from retake.media.packets import PacketInfo, index_packets, packets_of
from retake.media.sound import read_sound, sample_at
from retake.media.unspliceable import Unspliceable

_WARM_UP = 8
"""Packets encoded before the first one that is used: the encoder's model of the ear settles."""

_TAIL = 8
"""Packets encoded behind the last one that is needed, for a place where the windows fit."""

_ASC_BYTES = 2
"""Object type, rate, channels and frame length stand in the first two bytes."""


@dataclass(frozen=True, slots=True)
class Spliced:
    """New packets for an AAC track.

    Attributes:
        packets: The track's packets.
        first: The first one replaced, in the track's own numbers.
        data: The new packets, one for each replaced one.
        start, end: Samples of the section on the track's raw grid, where packet k stands for
            [1024 k, 1024 (k + 1)).
    """

    packets: tuple[PacketInfo, ...]
    first: int
    data: tuple[bytes, ...]
    start: int
    end: int

    @property
    def last(self) -> int:
        """One past the last packet replaced."""
        return self.first + len(self.data)


def splice_aac(
    path: Path,
    audio: AudioStream,
    video_start: Fraction,
    start: Fraction,
    samples: NDArray[np.float32],
) -> Spliced:
    """Return the packets that put new sound into an AAC track.

    Args:
        path: The source.
        audio: The track.
        video_start: When the first frame is shown, in seconds of the container's clock.
        start: When the new sound begins, in seconds from the first frame's appearance.
        samples: The new sound ``[channels, n]`` at the track's own rate, already joined.

    Raises:
        Unspliceable: This track cannot be spliced; the text says why.
    """
    coder = _matching_encoder(path, audio)
    packets = index_packets(path, audio.index)
    priming = _priming(audio, packets, video_start)
    first_sample = sample_at(audio, start) + priming
    end_sample = first_sample + samples.shape[1]
    total = len(packets) * aac.FRAME
    if first_sample < -aac.FRAME or end_sample > total + aac.FRAME:
        raise Unspliceable("the sound is shorter than the section")
    first = max(max(first_sample, 0) // aac.FRAME - 1, 0)
    last = min((end_sample - 1) // aac.FRAME, len(packets) - 1)
    begin = first - _WARM_UP
    stop = last + _TAIL + 1
    raw = _raw(path, audio, begin * aac.FRAME - priming, (stop + 3) * aac.FRAME - priming)
    at = first_sample - begin * aac.FRAME
    raw[:, at : at + samples.shape[1]] = samples
    # The encoder's packet 0 is its priming: packet k + 1 stands for the input's frame k.
    new = aac.encode(coder, raw)[1:]
    if len(new) < stop - begin:
        raise Unspliceable("the encoder did not return one packet for every frame")
    old = _packet_bytes(path, audio.index, max(begin, 0), min(stop + 1, len(packets)))
    first = _fitting_start(new, old, begin, first)
    last = _fitting_end(new, old, begin, last, len(packets))
    chosen = tuple(new[first - begin : last + 1 - begin])
    return Spliced(packets, first, chosen, first_sample, end_sample)


def _matching_encoder(path: Path, audio: AudioStream) -> Any:
    """Return an encoder that writes what the track's decoder is set up for."""
    if audio.codec != "aac" or audio.profile != "LC":
        profile = f" {audio.profile}" if audio.profile else ""
        raise Unspliceable(f"{audio.codec}{profile} sound cannot be spliced")
    with open_source(path) as container:
        config = container.streams[audio.index].codec_context.extradata or b""
    bits = aac.bit_rate(audio.channels, audio.sample_rate, audio.bit_rate)
    try:
        coder = aac.new_encoder(audio.sample_rate, audio.layout, bits)
    except ValueError as error:  # FFmpeg's own argument errors are ValueErrors, too
        raise Unspliceable("its rate or channels cannot be encoded") from error
    if (coder.extradata or b"")[:_ASC_BYTES] != config[:_ASC_BYTES] or not config:
        raise Unspliceable("its configuration cannot be matched")
    return coder


def _priming(audio: AudioStream, packets: Sequence[PacketInfo], video_start: Fraction) -> int:
    """Return how many samples precede the first one that sounds.

    Raises:
        Unspliceable: The packets do not follow one another without gaps.
    """
    if not packets:
        raise Unspliceable("it has no packets")
    tick = audio.time_base * audio.sample_rate
    # A container's clock may be coarser than a sample.
    allowed = max(tick, 1)
    for number, packet in enumerate(packets):
        if abs((packet.pts - packets[0].pts) * tick - number * aac.FRAME) > allowed:
            raise Unspliceable("its packets have gaps between them or another length")
    heard = audio.start + video_start - packets[0].pts * audio.time_base
    return floor(heard * audio.sample_rate + Fraction(1, 2))


def _raw(path: Path, audio: AudioStream, first: int, last: int) -> NDArray[np.float32]:
    """Return samples by number, counted from the first one that sounds, zeros outside."""
    second = Fraction(1, audio.sample_rate)
    return read_sound(path, audio, audio.start + first * second, audio.start + last * second)


def _packet_bytes(path: Path, stream: int, first: int, last: int) -> dict[int, bytes]:
    with open_source(path) as container:
        return {
            number: bytes(packet)
            for number, packet in enumerate(packets_of(container, stream))
            if first <= number < last
        }


def _fitting_start(new: Sequence[bytes], old: dict[int, bytes], begin: int, first: int) -> int:
    """Return the latest packet at or before `first` where old and new windows fit together."""
    for start in range(first, max(begin, 0), -1):
        before = aac.window_sequence(old[start - 1])
        if aac.ends_long(before) and aac.begins_long(aac.window_sequence(new[start - begin])):
            return start
    return first


def _fitting_end(
    new: Sequence[bytes], old: dict[int, bytes], begin: int, last: int, count: int
) -> int:
    """Return the earliest packet at or behind `last` where new and old windows fit together."""
    for end in range(last, min(last + _TAIL, count - 1)):
        after = aac.window_sequence(old[end + 1])
        if aac.ends_long(aac.window_sequence(new[end - begin])) and aac.begins_long(after):
            return end
    return last
