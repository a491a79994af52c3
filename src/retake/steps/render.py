"""Render: one new file from copied packets and new ones, verified before anybody sees it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from retake.core.errors import RenderFailed
from retake.core.report import Check
from retake.core.watch import Stage, Watch
from retake.media.proof.verify import verify
from retake.media.render import Rendered, render
from retake.media.take import TakeFiles
from retake.steps.plan import Planned


@dataclass(frozen=True, slots=True)
class Proven:
    """A rendered file, the checks that it passed and the seconds that they took."""

    rendered: Rendered
    checks: tuple[Check, ...]
    verify_s: float


def render_verified(planned: Planned, out: Path, take: TakeFiles, watch: Watch) -> Proven:
    """Render the take into its source, as `out`, and verify the result, source against output.

    Where smart rendering does not pass its verification, or meets a stream that it cannot splice,
    the file is made again by a full re-encode, and `rendered.fallback` says why.

    Raises:
        RenderFailed: Not even the full re-encode passes.
        StorageFailed: The file could not be written.
        Cancelled: The watch was cancelled.
    """
    try:
        proven = _attempt(planned, out, take, watch, force_full=False)
        failed = [check for check in proven.checks if not check.passed]
        reason = "; ".join(f"{check.name}: {check.detail}" for check in failed)
    except RenderFailed as error:
        proven, reason = None, error.message
    if proven is not None and not reason:
        return proven
    proven = _attempt(planned, out, take, watch, force_full=True)
    still = [check for check in proven.checks if not check.passed]
    if still:
        raise RenderFailed(
            "verification_failed",
            "The new file did not pass its verification: "
            + "; ".join(f"{check.name}: {check.detail}" for check in still),
        )
    fallback = f"smart rendering did not hold ({reason}); the streams were re-encoded in full"
    return replace(proven, rendered=replace(proven.rendered, fallback=fallback))


def _attempt(
    planned: Planned, out: Path, take: TakeFiles, watch: Watch, *, force_full: bool
) -> Proven:
    path, source, section = planned.path, planned.source, planned.section
    mode = planned.request.mode
    rendered = render(
        path,
        out,
        source,
        section,
        mode,
        take,
        watch,
        force_full=force_full,
        conversion=planned.form,
    )
    watch.progress(Stage.VERIFY, 0, 0)
    began = time.monotonic()
    checks = verify(path, out, source, section, mode, rendered, watch)
    verify_s = time.monotonic() - began
    watch.progress(Stage.VERIFY, 1, 1)
    return Proven(rendered, checks, verify_s)
