"""Breaking files: cut off, bits flipped, stretches lost, doubled, blanked or filled with noise."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

HEAD = 4096
"""Bytes at either end of a file in which containers keep their tables."""

Damage = Callable[[bytes, Random], bytes]


def _cut(data: bytes, draw: Random) -> bytes:
    return data[: draw.randrange(len(data))]


def _cut_late(data: bytes, draw: Random) -> bytes:
    return data[: len(data) - draw.randrange(1, min(HEAD, len(data)))]


def _flips(data: bytes, draw: Random, low: int, high: int, count: int) -> bytes:
    broken = bytearray(data)
    for _ in range(count):
        broken[draw.randrange(low, high)] ^= 1 << draw.randrange(8)
    return bytes(broken)


def _one_flip(data: bytes, draw: Random) -> bytes:
    return _flips(data, draw, 0, len(data), 1)


def _many_flips(data: bytes, draw: Random) -> bytes:
    return _flips(data, draw, 0, len(data), draw.randrange(2, 60))


def _flips_in_head(data: bytes, draw: Random) -> bytes:
    return _flips(data, draw, 0, min(HEAD, len(data)), draw.randrange(1, 5))


def _flips_in_tail(data: bytes, draw: Random) -> bytes:
    return _flips(data, draw, max(len(data) - HEAD, 0), len(data), draw.randrange(1, 5))


def _stretch(data: bytes, draw: Random) -> tuple[int, int]:
    start = draw.randrange(len(data))
    return start, min(start + draw.choice((1, 8, 64, 512, 4096)), len(data))


def _lost(data: bytes, draw: Random) -> bytes:
    start, end = _stretch(data, draw)
    return data[:start] + data[end:]


def _doubled(data: bytes, draw: Random) -> bytes:
    start, end = _stretch(data, draw)
    return data[:end] + data[start:]


def _blanked(data: bytes, draw: Random) -> bytes:
    start, end = _stretch(data, draw)
    return data[:start] + bytes(end - start) + data[end:]


def _noise(data: bytes, draw: Random) -> bytes:
    start, end = _stretch(data, draw)
    return data[:start] + draw.randbytes(end - start) + data[end:]


def _huge_number(data: bytes, draw: Random) -> bytes:
    # Counts and sizes in headers are what asks for too much memory.
    at = draw.randrange(min(HEAD, len(data) - 4)) + draw.choice((0, max(len(data) - HEAD - 4, 0)))
    at = min(at, len(data) - 4)
    number = draw.choice((0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x00FFFFFF, 0))
    return data[:at] + number.to_bytes(4, "big") + data[at + 4 :]


DAMAGES: dict[str, Damage] = {
    "cut off": _cut,
    "cut off late": _cut_late,
    "a bit flipped": _one_flip,
    "bits flipped": _many_flips,
    "bits flipped in the head": _flips_in_head,
    "bits flipped in the tail": _flips_in_tail,
    "a stretch lost": _lost,
    "a stretch doubled": _doubled,
    "a stretch blanked": _blanked,
    "a stretch of noise": _noise,
    "a huge number": _huge_number,
}
