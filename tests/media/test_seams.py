"""The seams are measured on the finished file, and only where there are any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retake.core.report import Seams
from retake.core.request import Limits, Mode
from retake.media.colour import rgb_to_frame
from retake.media.probe import probe
from retake.media.proof.planes import IDENTICAL_DB, frame_psnr
from retake.media.proof.seams import measure_seams
from tests.clips import make_clip, picture, tone
from tests.media.takes import edit, section_of


def seams_of(src: Path, out: Path, first: int, last: int, mode: Mode) -> Seams:
    source = probe(src, Limits())
    return measure_seams(src, out, source, section_of(source, first, last), mode)


def test_an_unchanged_film_meets_itself(clip: Path) -> None:
    seams = seams_of(clip, clip, 30, 66, Mode.AUDIO_AND_VIDEO)
    assert seams.psnr_in_db == seams.psnr_out_db == IDENTICAL_DB
    assert seams.loudness_step_in_lu == pytest.approx(0, abs=0.3)
    assert seams.loudness_step_out_lu == pytest.approx(0, abs=0.3)


def test_a_hard_cut_to_other_pictures_is_told(clip: Path, tmp_path: Path) -> None:
    one = edit(clip, tmp_path, 30, 66)
    seams = measure_seams(one.src, one.out, one.source, one.section, Mode.AUDIO_AND_VIDEO)
    assert seams.psnr_in_db is not None
    assert seams.psnr_in_db < 20


def test_the_film_has_no_seam_at_its_own_ends(clip: Path) -> None:
    whole = seams_of(clip, clip, 0, 96, Mode.AUDIO_AND_VIDEO)
    assert whole == Seams()
    opening = seams_of(clip, clip, 0, 50, Mode.AUDIO_AND_VIDEO)
    assert opening.psnr_in_db is None
    assert opening.psnr_out_db == IDENTICAL_DB


def test_a_kept_stream_has_no_seams(clip: Path, silent_clip: Path) -> None:
    assert seams_of(clip, clip, 30, 66, Mode.AUDIO).psnr_in_db is None
    assert seams_of(clip, clip, 30, 66, Mode.VIDEO).loudness_step_in_lu is None
    assert seams_of(silent_clip, silent_clip, 30, 66, Mode.AUDIO) == Seams()


def test_louder_inside_counts_up_at_both_ends(clip: Path, tmp_path: Path) -> None:
    sound = tone(4, 48000, 2)
    sound[:, 30 * 2000 : 66 * 2000] *= 2
    louder = make_clip(tmp_path / "a.mp4", sound=sound)
    seams = seams_of(clip, louder, 30, 66, Mode.AUDIO)
    assert seams.loudness_step_in_lu == pytest.approx(6, abs=0.5)
    assert seams.loudness_step_out_lu == pytest.approx(6, abs=0.5)


def test_likeness_is_told_over_all_planes(clip: Path) -> None:
    video = probe(clip, Limits()).video
    one = rgb_to_frame(picture(3, 192, 108), video)
    assert frame_psnr(one, one) == IDENTICAL_DB
    brighter = rgb_to_frame(np.minimum(picture(3, 192, 108) + 10, 255).astype(np.uint8), video)
    a, b = one.to_ndarray().astype(float), brighter.to_ndarray().astype(float)
    expected = 10 * np.log10(255**2 / np.mean((a - b) ** 2))
    assert frame_psnr(one, brighter) == pytest.approx(expected)
    assert frame_psnr(one, rgb_to_frame(picture(3, 192, 108), video).reformat(96, 54)) == 0
