"""The pre-flight estimate: bytes by phase and seconds, from what is to be done and how.

Pure arithmetic on the constants in `sizes`; where they come from, and that none of them was
measured on a GPU, is said there.
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.engines.ltx.memory.configuration import LARGE_PARTS, Configuration
from retake.engines.ltx.memory.sizes import (
    DECODE_BYTES_PER_PIXEL,
    DECODE_FLOPS_PER_PIXEL,
    DENOISE_BYTES_PER_TOKEN,
    DEVICE_ALLOWANCE_BYTES,
    ENCODE_BYTES_PER_PIXEL,
    ENCODE_FLOPS_PER_PIXEL,
    SLACK,
    SOUND_BYTES_PER_SECOND,
    STEP_FLOPS_FIXED,
    STEP_FLOPS_PER_PAIR,
    STEP_FLOPS_PER_TOKEN,
    TEXT_BYTES_PER_TOKEN,
    Sizes,
)
from retake.engines.ltx.memory.work import Phase, Work

USUAL_FLOPS = 60e12
"""What a card is taken to reach where nothing is known of it: operations a second."""

_REACHED = 0.5
_TRANSFER_BYTES_PER_S = 20e9


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes on the device at the fullest moment of one phase.

    Attributes:
        weights: Of the parts that are there.
        activations: Of everything else, allowances included.
    """

    phase: Phase
    weights: int
    activations: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.weights + self.activations


def peak(phase: Phase, work: Work, way: Configuration, sizes: Sizes) -> Peak:
    """Return what one phase takes at its fullest moment.

    Args:
        phase: Which one.
        work: What is to be done, at the size that was chosen; `way.pixels` may make it smaller.
        way: How the parts are held.
        sizes: The parts.
    """
    weights = sum(_held(part, way, sizes) for part in way.on_device(phase))
    activations = _activations(phase, work.within(way.pixels), way) * sizes.bytes_each // 2
    if not sizes.full_size:
        # The constants are the full-size model's; a tiny one takes what the allowance holds anyway.
        return Peak(phase, weights, min(activations, DEVICE_ALLOWANCE_BYTES))
    return Peak(phase, weights, round(activations * SLACK) + DEVICE_ALLOWANCE_BYTES)


def peaks(work: Work, way: Configuration, sizes: Sizes) -> tuple[Peak, ...]:
    """Return what every phase takes, in order."""
    return tuple(peak(phase, work, way, sizes) for phase in Phase)


def host_bytes(way: Configuration, sizes: Sizes) -> int:
    """Return what of the weights lies in the machine's memory while they are not on the device."""
    waiting = sizes.parameters if way.swapped else way.streamed
    return sum(_whole(part, way, sizes) for part in waiting)


def flops(work: Work, phase: Phase) -> float:
    """Return the floating-point operations of one phase."""
    if phase is Phase.DENOISE:
        tokens = work.video_tokens
        one = STEP_FLOPS_FIXED + tokens * (STEP_FLOPS_PER_TOKEN + tokens * STEP_FLOPS_PER_PAIR)
        return one * work.steps * work.passes
    voxels = work.pixels * work.frames
    if phase is Phase.ENCODE:
        return voxels * ENCODE_FLOPS_PER_PIXEL
    if phase is Phase.DECODE:
        return voxels * DECODE_FLOPS_PER_PIXEL
    # Text encoder and vocoder: 2 operations for each parameter and token, 0.23 TFLOP a second.
    return 3e10 * work.prompt_tokens if phase is Phase.TEXT else 2.3e11 * work.seconds_of_sound


def seconds(work: Work, way: Configuration, sizes: Sizes, rate: float = USUAL_FLOPS) -> float:
    """Return roughly how long a window takes on a warm model.

    Args:
        work: What is to be done.
        way: How the parts are held; what is swapped or streamed has to travel.
        sizes: The parts.
        rate: Operations a second that the card's data sheet promises for dense bf16 products;
            half of it is taken to be reached.
    """
    if not sizes.full_size:
        return 2.0 + 1e-4 * work.video_tokens * work.steps * work.passes
    work = work.within(way.pixels)
    spent = 0.0
    for phase in Phase:
        calculating = flops(work, phase) / (rate * _REACHED)
        runs = work.steps * work.passes if phase is Phase.DENOISE else 1
        travelling = _travels(phase, way, sizes) * runs / _TRANSFER_BYTES_PER_S
        # Streamed blocks travel while the one before them calculates.
        spent += max(calculating, travelling)
        spent += _swaps(phase, way, sizes) / _TRANSFER_BYTES_PER_S
    return spent


def _activations(phase: Phase, work: Work, way: Configuration) -> int:
    voxels = work.pixels * work.frames
    # A tile's pixels, and the whole window's input or output in 2-byte RGB on the machine's side.
    through = voxels if way.tiles is None else min(voxels, way.tiles.pixels)
    match phase:
        case Phase.ENCODE:
            return through * ENCODE_BYTES_PER_PIXEL
        case Phase.TEXT:
            return work.prompt_tokens * TEXT_BYTES_PER_TOKEN
        case Phase.DENOISE:
            return work.video_tokens * work.together * DENOISE_BYTES_PER_TOKEN
        case Phase.DECODE:
            return through * DECODE_BYTES_PER_PIXEL
        case Phase.SOUND:
            return round(work.seconds_of_sound * SOUND_BYTES_PER_SECOND)


def _held(part: str, way: Configuration, sizes: Sizes) -> int:
    """Return what a part takes on the device."""
    if part not in way.streamed:
        return _whole(part, way, sizes)
    # The block at work and the one that is being brought.
    return sizes.outside[part] * sizes.bytes_each + 2 * sizes.block[part] * _each(part, way, sizes)


def _whole(part: str, way: Configuration, sizes: Sizes) -> int:
    count = sizes.parameters[part]
    if part == "vocoder":
        return count * 4
    if part not in LARGE_PARTS:
        return count * sizes.bytes_each
    outside = sizes.outside[part]
    return outside * sizes.bytes_each + (count - outside) * _each(part, way, sizes)


def _each(part: str, way: Configuration, sizes: Sizes) -> int:
    return 1 if part in way.float8 else sizes.bytes_each


def _travels(phase: Phase, way: Configuration, sizes: Sizes) -> int:
    """Return the bytes that a phase brings to the device on each run, block by block."""
    return sum(
        (sizes.parameters[part] - sizes.outside[part]) * _each(part, way, sizes)
        for part in way.on_device(phase)
        if part in way.streamed
    )


def _swaps(phase: Phase, way: Configuration, sizes: Sizes) -> int:
    """Return the bytes that a phase brings to the device once."""
    return sum(_held(part, way, sizes) for part in way.on_device(phase)) if way.swapped else 0
