"""The index of a stream's packets: when each is decoded and shown, where decoding can start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from retake.media.opening import open_source
from retake.media.unspliceable import Unspliceable


@dataclass(frozen=True, slots=True)
class PacketInfo:
    """One packet, in decode order.

    Attributes:
        pts, dts, duration: In the stream's time base; edit lists are applied, as FFmpeg does.
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
        for packet in packets_of(container, stream):
            if packet.pts is None or packet.dts is None:
                raise Unspliceable("its packets carry no complete times")
            key = bool(packet.is_keyframe)
            found.append(
                PacketInfo(
                    pts=packet.pts,
                    dts=packet.dts,
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
    return tuple(found)


def packets_of(container: Any, stream: int) -> Iterator[Any]:
    """Yield a stream's packets from an open container, without the empty one at its end."""
    for packet in container.demux(container.streams[stream]):
        if packet.size and (packet.pts is not None or packet.dts is not None):
            yield packet
