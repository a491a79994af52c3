"""Tiles: which pieces a window is cut into for the VAE, and how they are blended again. Pure.

Along each axis neighbours overlap. What lies at a tile's own edge was made without its surroundings
and is thrown away; between the two thrown-away ends the picture passes from one tile to the
next in a straight line. So nothing jumps at a border, in space or in time.
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.engines.ltx.memory.configuration import Tiles
from retake.engines.ltx.memory.work import SPACE, TIME


@dataclass(frozen=True, slots=True)
class Span:
    """One tile along one axis, half-open, in latents.

    Attributes:
        start, stop: The latents that go in.
        before, after: How many of them are shared with the neighbour before and behind.
    """

    start: int
    stop: int
    before: int
    after: int


def spans(length: int, tile: int, overlap: int) -> tuple[Span, ...]:
    """Return the fewest tiles of at most `tile` latents that cover `length` and overlap.

    Args:
        length: Latents of the axis.
        tile: Most latents of one tile.
        overlap: Latents that neighbours share; less than half of a tile.

    Raises:
        ValueError: The overlap leaves a tile nothing of its own.
    """
    if length <= tile:
        return (Span(0, length, 0, 0),)
    if not 0 < overlap * 2 < tile:
        raise ValueError(f"an overlap of {overlap} does not suit tiles of {tile} latents")
    count = -(-(length - overlap) // (tile - overlap))
    # As large as each other: a last tile of a latent or two would have no surroundings of its own.
    tile = -(-(length + (count - 1) * overlap) // count)
    starts = [number * (length - tile) // (count - 1) for number in range(count)]
    ends = [start + overlap for start in starts[1:]] + [length]
    return tuple(
        Span(start, end, overlap if start else 0, overlap if end < length else 0)
        for start, end in zip(starts, ends, strict=True)
    )


def time_spans(latent_frames: int, tiles: Tiles) -> tuple[Span, ...]:
    """Return the tiles along time."""
    return spans(latent_frames, (tiles.frames - 1) // TIME + 1, tiles.shared_frames // TIME)


def space_spans(latents: int, tiles: Tiles) -> tuple[Span, ...]:
    """Return the tiles along height or width."""
    return spans(latents, tiles.edge // SPACE, tiles.shared_edge // SPACE)


EVEN = (0.25, 0.75)
"""Where in an overlap one tile passes to the next: both are made without their surroundings at
their own edge."""

LATE = (0.7, 0.95)
"""The same for the encoder in time, which looks back only: the tile before is right to its end."""


def ramp(count: int, before: int, after: int, passes: tuple[float, float] = EVEN) -> list[float]:
    """Return how much each position of a tile weighs: 0 to 1 over the overlaps, 1 between.

    The weights of two neighbours add up to 1 at every shared position.

    Args:
        count: Positions of the tile.
        before: Positions that are shared with the neighbour before.
        after: Positions that are shared with the neighbour behind.
        passes: From where to where in an overlap, as shares of it, the weight passes over.
    """
    weights = [1.0] * count
    for place, weight in enumerate(_rise(before, passes)):
        weights[place] = weight
    for place, weight in enumerate(_rise(after, passes)):
        weights[count - after + place] = 1 - weight
    return weights


def _rise(shared: int, passes: tuple[float, float]) -> list[float]:
    low, high = passes
    return [
        min(max(((place + 0.5) / shared - low) / (high - low), 0.0), 1.0) for place in range(shared)
    ]
