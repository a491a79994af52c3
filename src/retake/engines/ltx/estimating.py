"""What a shot will cost, before anything is loaded: seconds and bytes by the pre-flight estimate.

No torch here: submits are answered with it. How the figures come about, and that none was measured
on a GPU, says `memory.sizes`.
"""

from __future__ import annotations

from retake.engines.engine import Estimate, Shot
from retake.engines.ltx.info import Options
from retake.engines.ltx.memory.data_sheets import promised_flops
from retake.engines.ltx.memory.estimate import USUAL_FLOPS, peaks, seconds
from retake.engines.ltx.memory.ladder import LOWEST, base_for, plan
from retake.engines.ltx.memory.sizes import GIB, LTX_2_3, Sizes
from retake.engines.ltx.memory.work import Work
from retake.engines.ltx.planning import windows_for
from retake.engines.ltx.rate import plan_grid
from retake.engines.ltx.window import Window

_MOST_PIXELS = 1920 * 1088
_FAST_STEPS, _QUALITY_STEPS, _QUALITY_PASSES = 8, 30, 4
_READING_S_PER_FRAME_MEGAPIXEL = 0.02
"""Decoding, scaling and colours of the source's frames on the machine's processor."""


def estimate(
    shot: Shot,
    options: Options,
    *,
    sizes: Sizes = LTX_2_3,
    card: tuple[str, int] = ("", 80 * GIB),
) -> Estimate:
    """Return roughly what a shot costs on a card with warm weights.

    Args:
        shot: What is to be made; its frames are not read.
        options: The user's.
        sizes: The model's parts.
        card: Name and bytes of the card; an unknown one of 80 GiB where there is none.
    """
    work, windows = _work(shot, options)
    name, total = card
    budget = int(total * 0.97)
    way = plan(work, budget, sizes, base_for(budget)) or LOWEST
    one = seconds(work, way, sizes, promised_flops(name) or USUAL_FLOPS)
    megapixels = shot.frames.width * shot.frames.height / 1e6 * len(shot.frames)
    return Estimate(
        one * windows + megapixels * _READING_S_PER_FRAME_MEGAPIXEL,
        max(peak.total for peak in peaks(work, way, sizes)),
    )


def _work(shot: Shot, options: Options) -> tuple[Work, int]:
    """Return the largest window of a shot, and how many there are."""
    grid = plan_grid(shot.times, shot.section, shot.frame_rate)
    windows = windows_for(grid, options)
    longest = max(windows, key=_count).count
    quality = options.preset == "quality"
    width, height = (-(-side // 32) * 32 for side in (shot.frames.width, shot.frames.height))
    work = Work(
        width=width,
        height=height,
        frames=longest,
        audio_latents=round(longest / grid.rate * 25) + 2,
        steps=options.num_inference_steps or (_QUALITY_STEPS if quality else _FAST_STEPS),
        passes=_QUALITY_PASSES if quality else 1,
    )
    return work.within(_MOST_PIXELS), len(windows)


def _count(window: Window) -> int:
    return window.count
