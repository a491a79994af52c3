"""The report: what was kept bit for bit, what was made anew, and how well it was joined.

Everything in it is measured on the files themselves, on every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What happened to a stream."""

    COPIED = "copied"
    """Every packet is the source's own."""
    SMART = "smart"
    """Packets around the section were re-encoded, all others copied."""
    REENCODED = "reencoded"
    """The whole stream was encoded anew; `reason` says why."""
    CREATED = "created"
    """The source had no such stream."""
    ABSENT = "absent"
    """Neither the source nor the output has one."""


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What happened to one stream.

    `packets` counts the output's packets, `packets_copied` those whose bytes are the source's.
    `frames_*` count frames (video) or samples per channel (audio): outside the section and
    unchanged after decoding, outside it and re-encoded, and generated.
    """

    action: Action
    codec: str | None = None
    reason: str | None = None
    packets: int = 0
    packets_copied: int = 0
    frames_exact: int = 0
    frames_reencoded: int = 0
    frames_generated: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was verified, source against output."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Seams:
    """How the section meets the source at its two ends; None where it cannot be told.

    `psnr_*_db`: the first and last generated frame against the source's frame at the same moment.
    `loudness_step_*_lu`: loudness inside minus outside, over 400 ms on either side of the seam.

    The next ones hold the pictures right outside the seam against those right behind the blend:
    `colour_step_*_de`: how much further colours move there than they do outside, in CIE delta E
    (1976) of the middle change of many blocks. `motion_step_*_pct`: how much the movement changes,
    beyond what it does outside, in percent of the picture's width a second: a quarter of the
    picture changes it by more. `sharpness_step_*_db`: fine detail inside over that outside, in the
    middle one of the blocks that have any; below 0 it is softer.

    `score*`: 0 to 100 of all steps together (docs/takes.md has the formula); `score` is the
    worse one of both ends.
    """

    psnr_in_db: float | None = None
    psnr_out_db: float | None = None
    loudness_step_in_lu: float | None = None
    loudness_step_out_lu: float | None = None
    colour_step_in_de: float | None = None
    colour_step_out_de: float | None = None
    motion_step_in_pct: float | None = None
    motion_step_out_pct: float | None = None
    sharpness_step_in_db: float | None = None
    sharpness_step_out_db: float | None = None
    score_in: float | None = None
    score_out: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class SideMatch:
    """How the engine's colours were found to be off at one side of the section, and put right.

    Attributes:
        gain: Factors for red, green and blue.
        offset: What is added to them then, in steps of 1/255.
        frames: Frames that were compared.
        blocks_used: Share of the picture that counted; the rest showed something else.
        off_by: Mean difference to the source there before the correction, in steps of 1/255.
        left: The same after it.
    """

    gain: tuple[float, float, float]
    offset: tuple[float, float, float]
    frames: int
    blocks_used: float
    off_by: float
    left: float

    @property
    def changes(self) -> bool:
        """Whether the correction changes anything."""
        return self.gain != (1, 1, 1) or self.offset != (0, 0, 0)


@dataclass(frozen=True, slots=True)
class ColourMatch:
    """The corrections at both sides of a section; None where one could not be measured."""

    before: SideMatch | None = None
    after: SideMatch | None = None


@dataclass(frozen=True)
class Report:
    """Everything that a person may want to know of one finished take.

    `section` and `seams` are those of the first section; `sections` has all of them, each with its
    own prompt, mode, seed, seams and colour match. `colour_match` is None where the engine made no
    handles.
    """

    request: Mapping[str, Any]
    source: Mapping[str, Any]
    output: Mapping[str, Any]
    section: Mapping[str, Any]
    video: StreamReport
    audio: StreamReport
    seams: Seams
    checks: tuple[Check, ...]
    engine: str
    seed: int
    notes: tuple[str, ...] = ()
    fallback: str | None = None
    sections: tuple[Mapping[str, Any], ...] = ()
    stages_s: Mapping[str, float] = field(default_factory=dict[str, float])
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    colour_match: ColourMatch | None = None

    @property
    def every_seam(self) -> tuple[Seams, ...]:
        """The seams of all sections."""
        return tuple(Seams(**part["seams"]) for part in self.sections) or (self.seams,)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)
