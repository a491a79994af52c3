"""The report of one request, put together from what the steps measured."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from retake import __version__
from retake.core.report import Report, Seams
from retake.core.request import RetakeRequest
from retake.core.section import Section
from retake.core.source import Source
from retake.core.takes import Pick
from retake.core.timing import FrameCount
from retake.core.watch import Watch
from retake.engines.engine import EngineInfo
from retake.media.proof.seams import measure_seams
from retake.media.render import Rendered
from retake.steps.generate import Generated
from retake.steps.plan import Planned
from retake.steps.render import Proven


def make_report(
    planned: Sequence[Planned],
    made: Sequence[Generated],
    proven: Proven,
    engine: EngineInfo,
    stages_s: Mapping[str, float],
    watch: Watch,
) -> Report:
    """Return the report of a take whose result has been rendered and verified.

    Args:
        planned: Its sections, ascending.
        made: What was generated for each.
        proven: The result.
        engine: Who made it.
        stages_s: Seconds by stage.
        watch: A wish to cancel comes in.

    Raises:
        Cancelled: The watch was cancelled.
    """
    first, rendered = planned[0], proven.rendered
    seams = [
        measure_seams(one.path, rendered.path, one.source, one.section, one.request.mode, watch)
        for one in planned
    ]
    return Report(
        request=_asked(first.request),
        source=_file(first.path) | _streams(first.source),
        output=_file(rendered.path),
        section=_section(first.section),
        sections=tuple(map(_part, planned, seams, made)),
        colour_match=made[0].match,
        video=rendered.video,
        audio=rendered.audio,
        seams=seams[0],
        checks=proven.checks,
        engine=engine.id,
        seed=first.seed,
        notes=(*_notes(made), *_lost(rendered)),
        fallback=rendered.fallback,
        stages_s={stage: round(took, 3) for stage, took in stages_s.items()},
        versions={
            "retake": __version__,
            "engine": engine.version,
            "pyav": version("av"),
            "python": platform.python_version(),
        },
    )


def _notes(made: Sequence[Generated]) -> tuple[str, ...]:
    """Return what the engine tells of the sections, with their numbers where there are several."""
    if len(made) == 1:
        return made[0].notes
    return tuple(f"section {at}: {note}" for at, one in enumerate(made, 1) for note in one.notes)


def _part(planned: Planned, seams: Seams, made: Generated) -> dict[str, Any]:
    """Return what is told of one of several sections."""
    return {
        **_section(planned.section),
        "prompt": planned.request.prompt,
        "mode": str(planned.request.mode),
        "seed": planned.seed,
        "seams": asdict(seams),
        "colour_match": None if made.match is None else asdict(made.match),
    }


def _lost(rendered: Rendered) -> tuple[str, ...]:
    return tuple(f"left behind, for want of room in the file: {one}" for one in rendered.lost)


def _asked(request: RetakeRequest) -> dict[str, Any]:
    return {
        "start_time": _wire(request.start_time),
        "duration": _wire(request.duration),
        "prompt": request.prompt,
        "mode": str(request.mode),
        "options": dict(request.options),
        "audio_track": request.audio_track,
        **asdict(request.conversion),
        **_several(request),
    }


def _several(request: RetakeRequest) -> dict[str, Any]:
    """Return what was asked of several sections and takes, where it was."""
    told: dict[str, Any] = {}
    if request.sections:
        told["sections"] = [
            {
                "start_time": _wire(one.start_time),
                "duration": _wire(one.duration),
                "prompt": one.prompt,
                "mode": str(one.mode),
                "seed": one.seed,
            }
            for one in request.sections
        ]
    if request.takes > 1:
        told["takes"] = request.takes
    if request.seeds:
        told["seeds"] = list(request.seeds)
    if request.pick is not Pick.FIRST:
        told["pick"] = str(request.pick)
    return told


def _wire(time: Any) -> float | str:
    return f"{time.frames}f" if isinstance(time, FrameCount) else float(time)


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "size_bytes": path.stat().st_size}


def _streams(source: Source) -> dict[str, Any]:
    video = source.video
    width, height = video.upright_size
    return {
        "container": source.container,
        "video": {
            "codec": video.codec,
            "width": width,
            "height": height,
            "pix_fmt": video.pix_fmt,
            "frame_rate": str(video.frame_rate),
            "frames": len(video.pts),
            "duration_s": round(float(video.duration), 6),
        },
        "audio": [
            {
                "codec": audio.codec,
                "sample_rate": audio.sample_rate,
                "channels": audio.channels,
                "layout": audio.layout,
                "language": audio.language,
            }
            for audio in source.audio
        ],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "first_frame": section.frames.start,
        "last_frame": section.frames.end - 1,
        "start": str(section.start),
        "end": str(section.end),
        "start_s": round(float(section.start), 6),
        "end_s": round(float(section.end), 6),
        "requested_start_s": round(float(section.requested_start), 6),
        "requested_duration_s": round(float(section.requested_duration), 6),
        "clamped": section.clamped,
    }
