"""What a request would do, found out without doing it: a dry run's fetch, probe, plan, estimate.

The server's process looks into no video and runs no engine: the video is probed in a sandbox, and
the engine is asked in a process of its own (`retake.bootstrap.estimate`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retake.bootstrap.parts import fetch_policy, limits
from retake.core.errors import EngineFailed, RetakeError
from retake.core.request import RetakeRequest
from retake.core.timing import seconds_text
from retake.core.watch import Watch

if TYPE_CHECKING:
    from retake.core.section import Section
    from retake.core.source import Source
    from retake.queue.data_dir import DataDir
    from retake.settings import Settings
    from retake.storage import Storage

FETCH_S = 60.0
"""How long the video of a dry run may take to come, in seconds."""
ESTIMATE_S = 60.0
"""How long the engine may think about it, in seconds."""


def preview_maker(
    chosen: Settings, data_dir: DataDir, storage: Storage
) -> Callable[[RetakeRequest, str, str, Watch], dict[str, Any]]:
    """Return the function that the API calls for a dry run; see `retake.api.parts.Preview`."""
    accepted = limits(chosen)
    folder = data_dir.path / "dry"
    # What a killed server was looking at.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    policy = fetch_policy(chosen, allow_private=chosen.fetch_allow_private)
    policy = replace(policy, total_s=min(policy.total_s, FETCH_S))

    def preview(
        request: RetakeRequest, source_ref: str, engine: str, watch: Watch
    ) -> dict[str, Any]:
        from retake.core.tracks import edited
        from retake.media.sandbox import probe_safely
        from retake.steps.fetch import fetch
        from retake.steps.plan import plan_form, plan_sections

        kind, _, where = source_ref.partition(":")
        with tempfile.TemporaryDirectory(dir=folder) as name, ExitStack() as held:
            if kind == "upload":
                path = held.enter_context(storage.local(where))
            else:
                path = fetch(where, Path(name) / "source", policy, watch).path
            source = edited(probe_safely(path, accepted), request.audio_track)
            plan_form(request.conversion, source, path.suffix.lower())
        sections = plan_sections(request, source.video, accepted)
        asked: list[dict[str, Any]] = []
        for part, section in zip(request.parts, sections, strict=True):
            watch.check()
            alone = replace(request, prompt=part.prompt, mode=part.mode)
            asked.append(_ask_engine(engine, alone, source, section))
        last = sections[-1]
        cut = f"the section was cut at the video's end, {seconds_text(last.end)} s"
        said = [warning for one in asked for warning in one["warnings"]]
        return {
            "source": _source(source),
            "section": _section(sections[0]),
            "sections": [
                {**_section(section), "prompt": part.prompt, "mode": str(part.mode)}
                for part, section in zip(request.parts, sections, strict=True)
            ],
            "takes": request.takes,
            "estimate": _in_all([one["estimate"] for one in asked], request.takes),
            "warnings": list(dict.fromkeys([*([cut] if last.clamped else []), *said])),
        }

    return preview


def _in_all(estimates: list[dict[str, Any]], takes: int) -> dict[str, Any]:
    """Return the estimate of several sections, made one after the other in every take."""
    return {
        "seconds": round(takes * sum(each["seconds"] for each in estimates), 1),
        "memory_bytes": max(each["memory_bytes"] for each in estimates),
    }


def _source(source: Source) -> dict[str, Any]:
    video = source.video
    width, height = video.upright_size
    audio = [
        {
            "codec": track.codec,
            "sample_rate": track.sample_rate,
            "channels": track.channels,
            "language": track.language,
        }
        for track in source.audio
    ]
    return {
        "container": source.file_type,
        "size_bytes": source.size_bytes,
        "seconds": round(float(video.duration), 6),
        "video": {
            "codec": video.codec,
            "width": width,
            "height": height,
            "frame_rate": round(float(video.frame_rate), 6),
            "frames": len(video.pts),
        },
        "audio": audio,
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "start_time": round(float(section.start), 6),
        "end_time": round(float(section.end), 6),
        "duration": round(float(section.duration), 6),
        "first_frame": section.frames.start,
        "frames": len(section.frames),
        "clamped": section.clamped,
    }


def _ask_engine(
    engine: str, request: RetakeRequest, source: Source, section: Section
) -> dict[str, Any]:
    width, height = source.video.upright_size
    sound = source.audio[0] if source.audio else None
    question = {
        "engine": engine,
        "prompt": request.prompt,
        "options": dict(request.options),
        "mode": str(request.mode),
        "duration": str(section.duration),
        "frame_rate": str(source.video.frame_rate),
        "frames": len(section.frames),
        "width": width,
        "height": height,
        "sample_rate": sound.sample_rate if sound else 48000,
        "channels": sound.channels if sound else 2,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "retake.bootstrap.estimate"],
            input=json.dumps(question).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=ESTIMATE_S,
            check=False,
            env=dict(os.environ),
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise EngineFailed("no_estimate", "the engine gave no estimate", retryable=True) from error
    if "error" in answer:
        raise RetakeError.from_dict(answer["error"])
    return answer
