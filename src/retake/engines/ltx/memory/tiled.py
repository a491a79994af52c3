"""The video VAE in tiles: encode and decode a window piece by piece, blended in space and time.

diffusers has tiling of its own. It is not used: its tiles in time are put together one frame
late (each later tile's first frame repeats the frame before it, and its last is dropped), tiles are
neither thrown away at their edges nor alike in size, and all of it stays on the device (0017).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from retake.engines.ltx.memory.configuration import Tiles
from retake.engines.ltx.memory.tiles import LATE, Span, ramp, space_spans, time_spans
from retake.engines.ltx.memory.work import SPACE, TIME

Coder = Callable[[Tensor], Tensor]
"""Video ``[1, 3, frames, H, W]`` to latents ``[1, C, l, h, w]``, or the other way round."""


def decoded(
    decode: Coder, latents: Tensor, tiles: Tiles | None, check: Callable[[], None]
) -> Iterator[Tensor]:
    """Yield the frames of a window in order, in runs, on the CPU.

    Args:
        decode: Decodes a piece of the latents.
        latents: ``[1, C, l, h, w]``, on the device.
        tiles: What `decode` takes at once; None is everything.
        check: Called before each tile; what it raises ends the work.

    Yields:
        float32 ``[3, n, H, W]``; all of them together are the 8(l-1)+1 frames.
    """
    if tiles is None:
        check()
        yield decode(latents)[0].to("cpu", torch.float32)
        return
    carried = torch.empty(0)
    for span in time_spans(latents.shape[2], tiles):
        piece = _in_space(decode, latents[:, :, span.start : span.stop], tiles, check, SPACE)
        # A later tile's first latent is decoded to one frame where it stands for eight.
        piece = piece[:, 1:] if span.start else piece
        before, after = (max(shared - 1, 0) * TIME for shared in (span.before, span.after))
        piece *= _shaped(ramp(piece.shape[1], before, after), 1, piece.ndim)
        if before:
            piece[:, :before] += carried
        finished = piece.shape[1] - after
        carried = piece[:, finished:]
        yield piece[:, :finished]


def encoded(encode: Coder, video: Tensor, tiles: Tiles | None, check: Callable[[], None]) -> Tensor:
    """Return the latents of a window, on the CPU.

    Args:
        encode: Encodes a piece of the window.
        video: ``[1, 3, 8k+1, H, W]``, on the CPU or the device; H and W are multiples of 32.
        tiles: What `encode` takes at once; None is everything.
        check: Called before each tile; what it raises ends the work.

    Returns:
        float32 ``[1, C, k+1, H/32, W/32]``.
    """
    if tiles is None:
        check()
        return encode(video).to("cpu", torch.float32)
    made: list[Tensor] = []
    for span in time_spans((video.shape[2] - 1) // TIME + 1, tiles):
        frames = video[:, :, span.start * TIME : (span.stop - 1) * TIME + 1]
        piece = _in_space(encode, frames, tiles, check, 1)
        piece *= _shaped(ramp(piece.shape[1], span.before, span.after, LATE), 1, piece.ndim)
        if span.before:
            made[-1][:, -span.before :] += piece[:, : span.before]
        made.append(piece[:, span.before :])
    return torch.cat(made, dim=1)[None]


def _in_space(
    code: Coder, piece: Tensor, tiles: Tiles, check: Callable[[], None], grows: int
) -> Tensor:
    """Return one tile in time, coded in tiles of space: float32 ``[channels, n, H, W]``.

    Args:
        code: Encodes or decodes.
        piece: ``[1, channels, n, h, w]``.
        tiles: How large the tiles are.
        check: Called before each tile.
        grows: How many times larger what comes out is in height and width: 32 when decoding; 1
            when encoding, which makes it smaller by 32.
    """
    cell = SPACE if grows == 1 else 1
    rows = space_spans(piece.shape[3] // cell, tiles)
    columns = space_spans(piece.shape[4] // cell, tiles)
    if len(rows) == len(columns) == 1:
        check()
        return code(piece)[0].to("cpu", torch.float32)
    whole = torch.empty(0)
    for row in rows:
        for column in columns:
            check()
            made = code(piece[..., _of(row, cell), _of(column, cell)])[0].to("cpu", torch.float32)
            made *= _shaped(_weights(row, grows), 2, 4) * _shaped(_weights(column, grows), 3, 4)
            if not whole.numel():
                sides = rows[-1].stop * grows, columns[-1].stop * grows
                whole = torch.zeros(*made.shape[:2], *sides)
            whole[..., _of(row, grows), _of(column, grows)] += made
    return whole


def _of(span: Span, cell: int) -> slice:
    return slice(span.start * cell, span.stop * cell)


def _weights(span: Span, grows: int) -> list[float]:
    return ramp((span.stop - span.start) * grows, span.before * grows, span.after * grows)


def _shaped(weights: list[float], axis: int, axes: int) -> Tensor:
    shape = [1] * axes
    shape[axis] = -1
    return torch.tensor(weights).reshape(shape)
