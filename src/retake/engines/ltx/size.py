"""Sizes: any picture into the model's grid of 32 and back, padded and never squeezed.

A picture is scaled by one factor for both directions, so far as the budget asks for it, and stands
in the middle of a canvas whose sides are multiples of 32; what is left around it is its own mirror
image, which is cut off again afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch.nn.functional import interpolate

from retake.engines.engine import Frame
from retake.engines.ltx.colour import PLAIN, Light

CELL = 32
"""Pixels of a latent token, in both directions."""


@dataclass(frozen=True, slots=True)
class WorkingSize:
    """The canvas that the model sees and where the picture stands on it, in pixels.

    Attributes:
        source: Width and height of the source's pictures.
        scaled: Width and height of the picture on the canvas.
        width, height: The canvas; multiples of 32.
        left, top: Columns and rows of the canvas before the picture; even, so that half of the
            canvas shows the picture at the same place.
    """

    source: tuple[int, int]
    scaled: tuple[int, int]
    width: int
    height: int
    left: int = 0
    top: int = 0

    @property
    def tokens(self) -> int:
        """Video tokens of one latent frame."""
        return (self.width // CELL) * (self.height // CELL)

    def half(self) -> WorkingSize | None:
        """Return the canvas of half the size, for the stage before the latents are doubled.

        None where this one's sides are no multiples of 64, or where half would be too little to
        work on.
        """
        width, height = self.width // 2, self.height // 2
        if width % CELL or height % CELL or min(width, height) < 2 * CELL:
            return None
        scaled = max(round(self.scaled[0] / 2), 1), max(round(self.scaled[1] / 2), 1)
        return WorkingSize(self.source, scaled, width, height, self.left // 2, self.top // 2)


def choose_size(
    width: int,
    height: int,
    *,
    max_tokens: int,
    pixel_aspect: Fraction = Fraction(1),
    least_side: int = 0,
    cell: int = CELL,
) -> WorkingSize:
    """Return the largest working size within a budget that the source has pixels for.

    Args:
        width: The source's columns, shown upright.
        height: Its rows.
        max_tokens: Most video tokens of one latent frame.
        pixel_aspect: Width of a source pixel over its height.
        least_side: Smaller pictures are enlarged until their shorter side has so many pixels, as
            far as the budget allows; 0 never enlarges.
        cell: What the sides are multiples of: 64 where the latents are to be doubled.

    Raises:
        ValueError: The source has no pixels, or the budget is less than one token.
    """
    if min(width, height) < 1 or max_tokens < (cell // CELL) ** 2:
        raise ValueError(f"{width}x{height} does not fit into {max_tokens} tokens of 32x32 pixels")
    square = width * max(pixel_aspect, Fraction(1)), height / min(pixel_aspect, Fraction(1))
    # Non-square pixels become square by making the picture larger, in one direction.
    most = max(Fraction(1), Fraction(least_side) / min(square))
    best = max(_fitting(square, most, max_tokens, cell), default=None)
    # Where nothing fits the picture becomes a single cell.
    factor = Fraction(cell) / max(square) if best is None else best
    scaled, across, down = _placed(square, factor, cell)
    left, top = (across - scaled[0]) // 4 * 2, (down - scaled[1]) // 4 * 2
    return WorkingSize((width, height), scaled, across, down, left, top)


def to_model(frames: Iterable[Frame], size: WorkingSize, light: Light = PLAIN) -> torch.Tensor:
    """Return frames as the video encoder takes them: float32 ``[3, n, height, width]`` in -1..1.

    Frames are taken one by one; only the scaled ones are kept.
    """
    canvas = [_onto_canvas(frame, size, light) for frame in frames]
    return torch.stack(canvas, dim=1)


def from_model(
    video: torch.Tensor, size: WorkingSize, dtype: np.dtype[np.generic], light: Light = PLAIN
) -> Iterator[Frame]:
    """Yield frames ``[H, W, 3]`` of exactly the source's size and dtype, one by one.

    Args:
        video: ``[3, n, height, width]`` of `size`'s canvas, -1..1; beyond that it is cut off.
        size: Where the picture stands on the canvas.
        dtype: uint8 or uint16.
        light: The way back to the source's range.
    """
    (across, down), (left, top) = size.scaled, (size.left, size.top)
    for number in range(video.shape[1]):
        shown = video[:, number, top : top + down, left : left + across]
        signal = _scaled(shown.detach().to("cpu", torch.float32), size.source) * 0.5 + 0.5
        yield light.frame(signal.permute(1, 2, 0).contiguous().numpy(), dtype)


def _onto_canvas(frame: Frame, size: WorkingSize, light: Light) -> torch.Tensor:
    signal = torch.from_numpy(np.ascontiguousarray(light.signal(frame))).permute(2, 0, 1)
    picture = _scaled(signal, size.scaled)
    rows = _mirrored(size.height, size.top, size.scaled[1])
    columns = _mirrored(size.width, size.left, size.scaled[0])
    return picture[:, rows][:, :, columns].clamp(0, 1) * 2 - 1


def _scaled(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return ``[3, h, w]`` as ``[3, H, W]``; the very same where the size is the same."""
    width, height = size
    if tuple(picture.shape[1:]) == (height, width):
        return picture
    return interpolate(picture[None], (height, width), mode="bicubic", antialias=True)[0]


def _mirrored(count: int, before: int, inside: int) -> torch.Tensor:
    """Return which line of the picture each line of the canvas shows: mirrored past its edges."""
    period = max(2 * inside - 2, 1)
    at = (torch.arange(count) - before) % period
    return torch.where(at < inside, at, period - at)


def _fitting(
    square: tuple[Fraction | int, Fraction | int], most: Fraction, max_tokens: int, cell: int
) -> Iterator[Fraction]:
    """Yield the factors worth trying that fit: the largest one, and those that fill a side."""
    longest = int(max(square) * most) // cell + 1
    factors = {most} | {Fraction(n * cell) / side for n in range(1, longest + 1) for side in square}
    for factor in factors:
        if factor <= most:
            _, width, height = _placed(square, factor, cell)
            if width * height <= max_tokens * CELL * CELL:
                yield factor


def _placed(
    square: tuple[Fraction | int, Fraction | int], factor: Fraction, cell: int
) -> tuple[tuple[int, int], int, int]:
    across, down = (max(round(side * factor), 1) for side in square)
    return (across, down), -(-across // cell) * cell, -(-down // cell) * cell
