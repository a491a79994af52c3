"""The Engine protocol: a Shot goes in, a Take comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from retake.core.request import Mode
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.core.watch import Watch

Frame = NDArray[np.uint8] | NDArray[np.uint16]
"""One RGB picture ``[H, W, 3]``: display-referred, full range; uint16 uses all 16 bits."""


class FrameReader(Protocol):
    """Lazy access to a run of frames, shown upright, at the source's size.

    Reading in ascending order is fast; every call to `read` starts its own decoder.
    """

    @property
    def width(self) -> int:
        """Pixels in a row."""
        ...

    @property
    def height(self) -> int:
        """Rows."""
        ...

    def __len__(self) -> int: ...

    def read(self, frames: FrameRange | None = None) -> Iterator[Frame]:
        """Yield the frames of a range of this reader's own numbers; all of them when None."""
        ...


@dataclass(frozen=True)
class Sound:
    """Sound as float32 ``[channels, samples]`` in -1..1 at `rate` samples a second."""

    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True)
class Shot:
    """What an engine works from.

    Attributes:
        frames: Handles and section, in display order. In replace_audio it may be read too.
        section: The section's frames in `frames`' own numbers.
        times: When each of `frames` appears, in seconds; the section starts at 0, so the leading
            handle's times are negative.
        duration: Seconds from the section's start to its end.
        frame_rate: Average frames a second.
        colour: Colour tags of the source.
        sound: The source's sound over the same span as `frames`, handles included; None when the
            source has none.
        sound_start: Sample of `sound` at which the section starts.
        sound_samples: Samples of the section (at `sound.rate`, or 48000 when `sound` is None).
        mode: What is to be replaced.
        prompt: What should happen; may be empty.
        seed: Draws everything that is left to chance.
        options: The engine's own parameters.
        watch: Progress goes out, a wish to cancel comes in.
        scratch: A folder of this shot's own that outlives a restart, for engines that have to
            remember what they had others do; it may not be there yet. None where there is none.
        pixel_aspect: Width of a pixel over its height, as the frames are shown.
        layout: FFmpeg's name of the channels of `sound`, such as ``5.1(side)``; empty without.
    """

    frames: FrameReader
    section: FrameRange
    times: Sequence[Fraction]
    duration: Fraction
    frame_rate: Fraction
    colour: Colour
    sound: Sound | None
    sound_start: int
    sound_samples: int
    mode: Mode
    prompt: str
    seed: int
    watch: Watch
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    scratch: Path | None = None
    pixel_aspect: Fraction = Fraction(1)
    layout: str = ""

    @property
    def channels(self) -> int:
        """Channels of sound to make: the source's, or stereo where it has none."""
        return 2 if self.sound is None else self.sound.samples.shape[0]

    @property
    def rate(self) -> int:
        """Samples a second of the sound to make: the source's, or 48000 where it has none."""
        return 48000 if self.sound is None else self.sound.rate


@dataclass(frozen=True)
class MadeHandles:
    """What an engine made of the frames right beside the section, which the result won't show.

    How they differ from the source's own is how the section's colours would differ: the joining
    measures it and undoes it. A few frames at each side are enough.

    Attributes:
        before: The last frames before the section, in display order; of the shot's size and dtype.
        after: The first frames behind it, likewise.
    """

    before: Iterable[Frame] = ()
    after: Iterable[Frame] = ()


@dataclass(frozen=True)
class Take:
    """One generated section.

    Attributes:
        frames: Exactly the section's frames, streamed; None when the mode keeps the video. Same
            size and dtype as the shot's.
        sound: Exactly the section's samples; None when the mode keeps the audio.
        notes: For the user: what was understood, ignored, scaled.
        handles: The engine's own version of the frames beside the section, read once and before
            `frames`; None where it makes none.
    """

    frames: Iterator[Frame] | None
    sound: Sound | None
    notes: tuple[str, ...] = ()
    handles: MadeHandles | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter that an engine takes in `options`, as model details describe it."""

    name: str
    type: str
    description: str
    default: Any = None
    options: tuple[Any, ...] | None = None
    min_value: float | None = None
    max_value: float | None = None


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine is: `id` goes into every record, `limits` says what it cannot do.

    `handle_s` is how many seconds of the source on either side of a section its shots bring, where
    there are so many; nothing of them is read before the engine asks for it, but the sound.
    """

    id: str
    version: str
    display_name: str
    description: str
    limits: str
    parameters: tuple[Parameter, ...] = ()
    handle_s: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a shot will cost, roughly."""

    seconds: float
    memory_bytes: int


class Engine(Protocol):
    """Makes sections anew; keeps what it loads warm between shots."""

    def describe(self) -> EngineInfo:
        """Return what this engine is, without loading anything."""
        ...

    def warm(self) -> None:
        """Load and compile what the first shot would otherwise wait for."""
        ...

    def check(self, prompt: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Return warnings about a prompt.

        Raises:
            BadRequest: An option is unknown or out of range, or the prompt is refused.
        """
        ...

    def estimate(self, shot: Shot) -> Estimate:
        """Return roughly what `make` will cost."""
        ...

    def make(self, shot: Shot) -> Take:
        """Return a take of `shot`.

        Cancel takes effect within one frame, one simulation step or one denoising step, while the
        take's frames are drawn too.

        Raises:
            EngineFailed: The section could not be made.
            Cancelled: `shot.watch` was cancelled.
        """
        ...
