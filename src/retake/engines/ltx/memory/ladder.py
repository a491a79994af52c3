"""The ladder: which configuration fits a card, and the next step down when it did not.

From the top: everything on the device in bf16; only the parts of the phase at hand; their blocks as
8-bit numbers; their blocks streamed; the VAE in tiles; a smaller working size. A step is taken only
for a phase that it relieves: a decoder that does not fit is no reason to quantise the transformer.

What is quantised stays so until the weights are loaded again, and it changes every later result. So
it is settled once for each card, on the largest usual window, and the same request gives the same
bytes whatever was asked before. Planning one shot takes only the steps that can be undone; only a
real lack of memory quantises later, and the notes say so.
"""

from __future__ import annotations

from dataclasses import replace

from retake.engines.ltx.memory.configuration import LARGE_PARTS, PARTS_OF, TILES, Configuration
from retake.engines.ltx.memory.estimate import Peak, peak, peaks
from retake.engines.ltx.memory.sizes import LTX_2_3, Sizes
from retake.engines.ltx.memory.work import SMALLEST_PIXELS, Phase, Work

USUAL = Work(width=1920, height=1088, frames=169, audio_latents=176)
"""The largest usual window: 5 s of 1080p at 24 frames a second, with a second on either side."""

CARDS_GB = (80, 48, 24, 16, 12)
"""The cards that have a planned configuration, by the gigabytes in their names (2^30 bytes)."""

LOWEST = Configuration(
    swapped=True,
    float8=frozenset(LARGE_PARTS),
    streamed=frozenset(LARGE_PARTS),
    tiles=TILES[-1],
    pixels=SMALLEST_PIXELS,
)
"""The bottom of the ladder."""

_SHRINK = 0.72


def base_for(budget: int, sizes: Sizes = LTX_2_3) -> Configuration:
    """Return the configuration that a card starts from: whether, and what, is quantised there.

    Args:
        budget: Bytes of the device that may be used.
        sizes: The parts.
    """
    fitting = _descend(Configuration(), USUAL, budget, sizes, reversible=False)
    quantised = fitting.float8 if fitting else frozenset(LARGE_PARTS)
    return Configuration(float8=quantised)


def plan(
    work: Work, budget: int, sizes: Sizes = LTX_2_3, start: Configuration | None = None
) -> Configuration | None:
    """Return the highest configuration that the estimate says will fit; None when none does.

    Args:
        work: What is to be done.
        budget: Bytes of the device that may be used.
        sizes: The parts.
        start: Where to begin; None is `base_for` the same budget.
    """
    start = base_for(budget, sizes) if start is None else start
    return _descend(start, work, budget, sizes, reversible=True)


def step_down(
    way: Configuration, phase: Phase, work: Work, *, reversible: bool = False
) -> Configuration | None:
    """Return the next configuration below `way` that takes less in `phase`; None at the bottom.

    Args:
        way: The configuration that did not fit.
        phase: Where it did not.
        work: What is to be done, at the size that was chosen before `way.pixels`.
        reversible: Leave out quantising.
    """
    if not way.swapped:
        return replace(way, swapped=True)
    large = frozenset(PARTS_OF[phase]) & frozenset(LARGE_PARTS)
    if not reversible and not large <= way.float8:
        return replace(way, float8=way.float8 | large)
    if not large <= way.streamed:
        return replace(way, streamed=way.streamed | large)
    if phase in (Phase.ENCODE, Phase.DECODE):
        shown = work.within(way.pixels)
        whole = shown.pixels * shown.frames if way.tiles is None else way.tiles.pixels
        smaller = [tiles for tiles in TILES if tiles.pixels < whole]
        if smaller:
            return replace(way, tiles=smaller[0])
    if phase in (Phase.TEXT, Phase.SOUND):
        return None
    return _smaller(way, work)


def too_full(work: Work, way: Configuration, budget: int, sizes: Sizes) -> Peak | None:
    """Return the first phase that does not fit; None when all do."""
    return next((one for one in peaks(work, way, sizes) if one.total > budget), None)


def least_bytes(work: Work, sizes: Sizes = LTX_2_3) -> int:
    """Return what a card needs at the least for this work, at the bottom of the ladder."""
    return max(peak(phase, work, LOWEST, sizes).total for phase in Phase)


def _descend(
    way: Configuration, work: Work, budget: int, sizes: Sizes, *, reversible: bool
) -> Configuration | None:
    lower: Configuration | None = way
    while lower is not None:
        full = too_full(work, lower, budget, sizes)
        if full is None:
            return lower
        lower = step_down(lower, full.phase, work, reversible=reversible)
    return None


def _smaller(way: Configuration, work: Work) -> Configuration | None:
    now = pixels = work.within(way.pixels).pixels
    while pixels > SMALLEST_PIXELS:
        pixels = max(int(pixels * _SHRINK), SMALLEST_PIXELS)
        # A strip of one latent's height has few sizes: the next may be far below.
        if work.within(pixels).pixels < now:
            return replace(way, pixels=pixels)
    return None
