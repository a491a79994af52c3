"""Render: one new file from copied packets and new ones, verified before anybody sees it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retake.core.errors import RenderFailed
from retake.core.report import Check
from retake.core.section import Redone
from retake.core.watch import Stage, Watch
from retake.media.placed import Placed
from retake.media.proof.verify import verify_sections
from retake.media.render import Rendered, render_takes
from retake.media.take import TakeFiles
from retake.steps.plan import Planned


@dataclass(frozen=True, slots=True)
class Proven:
    """A rendered file, the checks that it passed and the seconds that they took."""

    rendered: Rendered
    checks: tuple[Check, ...]
    verify_s: float


def render_verified(
    planned: Sequence[Planned], out: Path, takes: Sequence[TakeFiles], watch: Watch
) -> Proven:
    """Render takes into their source, as `out`, and verify the result, source against output.

    Args:
        planned: The sections of one source, ascending; one at least.
        out: The new file.
        takes: The take of each.
        watch: Progress goes out; a wish to cancel comes in.

    Returns:
        What was made. Where smart rendering does not pass its verification, or meets a stream that
        it cannot splice, the file is made again by a full re-encode, and `rendered.fallback` says
        why.

    Raises:
        RenderFailed: Not even the full re-encode passes.
        StorageFailed: The file could not be written.
        Cancelled: The watch was cancelled.
    """
    try:
        proven = _attempt(planned, out, takes, watch, force_full=False)
        failed = [check for check in proven.checks if not check.passed]
        reason = "; ".join(f"{check.name}: {check.detail}" for check in failed)
    except RenderFailed as error:
        proven, reason = None, error.message
    if proven is not None and not reason:
        return proven
    proven = _attempt(planned, out, takes, watch, force_full=True)
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
    planned: Sequence[Planned],
    out: Path,
    takes: Sequence[TakeFiles],
    watch: Watch,
    *,
    force_full: bool,
) -> Proven:
    first = planned[0]
    rendered = render_takes(
        first.path,
        out,
        first.source,
        [
            Placed(each.section, each.request.mode, take)
            for each, take in zip(planned, takes, strict=True)
        ],
        watch,
        force_full=force_full,
        conversion=first.form,
    )
    watch.progress(Stage.VERIFY, 0, 0)
    began = time.monotonic()
    redone = [Redone(each.section, each.request.mode) for each in planned]
    checks = verify_sections(first.path, out, first.source, redone, rendered, watch)
    verify_s = time.monotonic() - began
    watch.progress(Stage.VERIFY, 1, 1)
    return Proven(rendered, checks, verify_s)
