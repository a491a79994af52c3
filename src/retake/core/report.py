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
    """

    psnr_in_db: float | None = None
    psnr_out_db: float | None = None
    loudness_step_in_lu: float | None = None
    loudness_step_out_lu: float | None = None


@dataclass(frozen=True)
class Report:
    """Everything that a person may want to know of one finished take.

    `section` and `seams` are those of the first section; `sections` has all of them, each with its
    own prompt, mode, seed and seams.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)
