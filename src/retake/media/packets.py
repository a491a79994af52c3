"""The index of a stream's packets: when each is decoded and shown, where decoding can start.

Matroska and WebM tell when a packet is shown, not when it is decoded. FFmpeg guesses, from how many
pictures a decoder holds back, and leaves the first ones open; here the times are derived from the
whole stream, so every packet has one and no two are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import av.error

from retake.media.opening import damaged, open_source
from retake.media.unspliceable import Unspliceable


@dataclass(frozen=True, slots=True)
class PacketInfo:
    """One packet, in decode order.

    Attributes:
        pts, dts, duration: In the stream's time base; edit lists are applied, as FFmpeg does. In
            Matroska and WebM `dts` is derived (see `decoding_times`).
        key: Flagged as a keyframe by the container.
        clean: Decoding can start here, and nothing after it needs anything before it.
        hidden: An edit list keeps it from being shown; it is decoded all the same.
        size: Bytes.
        pos: Offset of its first byte in the file; -1 where the container does not tell.
    """

    pts: int
    dts: int
    duration: int
    key: bool
    clean: bool
    hidden: bool
    size: int
    pos: int


class IsClean(Protocol):
    """Tells from a packet's bytes and its keyframe flag whether decoding can start there."""

    def __call__(self, data: bytes, *, key: bool) -> bool:
        """Return whether it can."""
        ...


def index_packets(
    path: Path, stream: int, is_clean: IsClean | None = None
) -> tuple[PacketInfo, ...]:
    """Return every packet of a stream, in decode order.

    Args:
        path: The file.
        stream: Index of the stream in it.
        is_clean: Tells where decoding can start; None takes the keyframe flag's word for it.

    Raises:
        Unspliceable: A packet has no presentation or decoding time, or times repeat.
    """
    found: list[PacketInfo] = []
    with open_source(path) as container:
        derived = container.format.name.startswith("matroska")
        for packet in packets_of(container, stream):
            dts = packet.pts if derived else packet.dts
            if packet.pts is None or dts is None:
                raise Unspliceable("its packets carry no complete times")
            key = bool(packet.is_keyframe)
            found.append(
                PacketInfo(
                    pts=packet.pts,
                    dts=dts,
                    duration=packet.duration or 0,
                    key=key,
                    clean=key if is_clean is None else is_clean(bytes(packet), key=key),
                    hidden=bool(packet.is_discard),
                    size=packet.size,
                    pos=-1 if packet.pos is None else packet.pos,
                )
            )
    if len({info.pts for info in found}) != len(found):
        raise Unspliceable("several of its packets are shown at the same time")
    if derived:
        times = decoding_times([info.pts for info in found])
        found = [replace(info, dts=dts) for info, dts in zip(found, times, strict=True)]
    return tuple(found)


def _held_back(pts: Sequence[int]) -> int:
    """Return by how many pictures decoding order precedes display order at most.

    Args:
        pts: Presentation times in decoding order, all different.
    """
    shown = {time: rank for rank, time in enumerate(sorted(pts))}
    return max((at - shown[time] for at, time in enumerate(pts)), default=0)


def decoding_times(pts: Sequence[int]) -> list[int]:
    """Return a decoding time for every packet: ascending, none later than its presentation.

    They are the presentation times in order, as late as the stream's reordering allows: what a
    file that stores them would hold.

    Args:
        pts: Presentation times in decoding order, all different.
    """
    shown, delay = sorted(pts), _held_back(pts)
    step = shown[1] - shown[0] if len(shown) > 1 else 1
    early = [shown[0] - step * number for number in range(delay, 0, -1)]
    return [*early, *shown][: len(shown)]


def packets_of(container: Any, stream: int) -> Iterator[Any]:
    """Yield a stream's packets from an open container, without the empty one at its end.

    Raises:
        BadSource: `damaged`: the file cannot be read on.
    """
    return packets_of_all(container, [stream])


def packets_of_all(container: Any, streams: Sequence[int]) -> Iterator[Any]:
    """Yield the packets of several streams in the file's order; see `packets_of`."""
    packets = container.demux([container.streams[index] for index in streams])
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            raise damaged("a packet cannot be read") from error
        if packet is None:
            return
        if packet.size and (packet.pts is not None or packet.dts is not None):
            yield packet
