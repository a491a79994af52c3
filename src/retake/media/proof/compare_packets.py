"""Comparing two files packet by packet: bytes and times."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av.error

from retake.core.report import Check
from retake.media.opening import damaged, open_source


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet's times, in its stream's time base, and the digest of its bytes."""

    pts: int
    dts: int | None
    digest: bytes


def stream_packets(path: Path, index: int) -> list[Packet]:
    """Return the packets of a stream, in decode order.

    Raises:
        BadSource: `damaged`: one cannot be read.
    """
    found: list[Packet] = []
    with open_source(path) as container:
        try:
            for packet in container.demux(container.streams[index]):
                if packet.size and packet.pts is not None:
                    digest = hashlib.blake2b(bytes(packet), digest_size=16).digest()
                    found.append(Packet(packet.pts, packet.dts, digest))
        except av.error.FFmpegError as error:
            raise damaged("a packet cannot be read") from error
    return found


def check_copied(
    name: str, before: list[Packet], after: list[Packet], *, same_clock: bool
) -> Check:
    """Return whether every packet is the source's own, with its times where the clocks compare."""
    same = [packet.digest for packet in before] == [packet.digest for packet in after]
    timed = not same_clock or _times(before) == _times(after)
    equal = sum(a.digest == b.digest for a, b in zip(before, after, strict=False))
    detail = f"{equal} of {len(before)} packets are the source's own"
    return Check(name, same and timed, detail if timed else f"{detail}; their times differ")


def check_spliced(
    name: str, before: list[Packet], after: list[Packet], touched: tuple[int, int]
) -> Iterator[Check]:
    """Yield whether all packets but `touched` are the source's own, and all times are.

    Args:
        name: What the stream is called in the checks.
        before: The source's packets.
        after: The output's packets.
        touched: The packets that may differ, half-open, in decode order.
    """
    first, last = touched
    outside = [*range(first), *range(last, len(before))]
    equal = sum(at < len(after) and before[at].digest == after[at].digest for at in outside)
    yield Check(
        f"{name} packets outside",
        equal == len(outside) and len(before) == len(after),
        f"{equal} of {len(outside)} packets outside are the source's own, byte for byte",
    )
    # Within the touched packets the order of display may differ, the moments may not.
    alike = (
        sorted(packet.pts for packet in before) == sorted(packet.pts for packet in after)
        and [packet.dts for packet in before] == [packet.dts for packet in after]
        and all(before[at].pts == after[at].pts for at in outside if at < len(after))
    )
    yield Check(
        f"{name} packet times",
        alike,
        "all pts and dts are the source's" if alike else "pts or dts differ from the source's",
    )


def _times(packets: list[Packet]) -> list[tuple[int, int | None]]:
    return [(packet.pts, packet.dts) for packet in packets]
