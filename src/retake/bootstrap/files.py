"""What a server does with files: how much is taken in, what is looked at, how long it is kept."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import retake
from retake.core.request import Limits, RetakeRequest

if TYPE_CHECKING:
    from retake.settings import Settings
    from retake.storage import Storage

_DAY_S = 24 * 3600


def files_parts(chosen: Settings, accepted: Limits, storage: Storage) -> dict[str, Any]:
    """Return what `ApiParts` has to know of files."""
    from retake.storage.upload import UploadPolicy

    days = chosen.retention_days
    return {
        "upload_policy": UploadPolicy(
            chosen.upload_ttl_s, chosen.uploads_max_bytes, chosen.uploads_max_count
        ),
        "data_uri_bytes": chosen.data_uri_max_bytes,
        "keep_results_s": round(days * _DAY_S) if days else None,
        "check_arrival": partial(_check_arrival, accepted=accepted),
        "check_upload": partial(_check_upload, accepted=accepted),
        "example": _put_example(storage),
    }


def _put_example(storage: Storage) -> str | None:
    """Store the bundled clip, which the first start's curl lines use; return its stored name."""
    package = Path(retake.__file__).parent
    # In the wheel it lies in the package; in a checkout, where `make demo` has it too.
    for clip in (package / "example.mp4", package.parents[1] / "demo" / "clip.mp4"):
        if clip.is_file():
            storage.put("examples/clip.mp4", clip)
            return "examples/clip.mp4"
    return None


def _check_arrival(path: Path, accepted: Limits) -> None:
    """Say of an upload what makes it useless whatever is asked of it."""
    from retake.media.sandbox import probe_safely

    probe_safely(path, accepted)


def _check_upload(path: Path, request: RetakeRequest, accepted: Limits) -> tuple[str, ...]:
    """Say at submit what of an uploaded video and the section would fail later."""
    from retake.core.timing import seconds_text
    from retake.core.tracks import edited
    from retake.media.sandbox import probe_safely
    from retake.steps.plan import plan_form, plan_sections

    source = edited(probe_safely(path, accepted), request.audio_track)
    plan_form(request.conversion, source, path.suffix.lower())
    section = plan_sections(request, source.video, accepted)[-1]
    if not section.clamped:
        return ()
    return (f"the section was cut at the video's end, {seconds_text(section.end)} s",)
