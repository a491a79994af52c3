"""A second opinion in the long run: an FFmpeg of the system's own, asked to be strict."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

LONG = os.environ.get("RETAKE_TEST_MATRIX") == "long"
FFMPEG = shutil.which(os.environ.get("RETAKE_TEST_FFMPEG", "ffmpeg")) if LONG else None


def strictly(src: Path, out: Path) -> Iterator[str]:
    """Yield what a strict FFmpeg complains of in a file, unless it does so in the source as well.

    Nothing in the short run, and nothing where there is no `ffmpeg`.
    """
    if FFMPEG is None:
        return
    complaint = _complaint(out)
    if complaint and not _complaint(src):
        yield f"{FFMPEG} -err_detect explode: {complaint}"


def _complaint(path: Path) -> str:
    command = [str(FFMPEG), "-nostdin", "-v", "error", "-err_detect", "explode", "-xerror"]
    command += ["-i", str(path), "-map", "0:v", "-map", "0:a?"]
    # Matroska's milliseconds, counted in frames, fall on the same frame twice: that is no error of
    # the file's. The times themselves are compared elsewhere.
    command += ["-vsync", "passthrough", "-enc_time_base", "-1", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip()[:200] or (f"it ended with {done.returncode}" * bool(done.returncode))
