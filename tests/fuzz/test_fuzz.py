"""A broken file ends in an error of ours or in a good output: no crash, no hang, nothing left over.

Thousands more of them: python -m tests.fuzz.fuzz --cases 2000
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.fuzz import BAD, run

FORMATS = [
    "h264 mp4",
    "h264 several tracks mp4",
    "h264 fragmented mp4",
    "h264 mkv",
    "h264 ts",
    "hevc mp4",
    "vp9 opus webm",
    "av1 mp4",
    "prores pcm mov",
    "mpeg2 mpg",
    "mpeg4 mp3 avi",
    "flac mkv",
]


@pytest.mark.slow
def test_broken_files_end_in_an_error_or_a_good_output(tmp_path: Path) -> None:
    results = list(run(FORMATS, 4 * len(FORMATS), 7, tmp_path))
    assert not [str(result) for result in results if result.came.verdict in BAD]
    verdicts = {result.came.verdict for result in results}
    # A corpus that is refused as a whole, or harms nothing at all, would test nothing.
    assert {"refused", "edited"} <= verdicts
