"""Outside the region that the section touches, everything is the source's own, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from retake.core.report import Action
from tests.clips import make_clip
from tests.media.compare import (
    assert_packets_kept,
    assert_pictures_right,
    assert_times_kept,
)
from tests.media.takes import edit

OPEN_GOP = {"x264-params": "open-gop=1:scenecut=0:log-level=error"}
VARIANTS: dict[str, dict[str, Any]] = {
    "b_frames": {},
    "no_b_frames": {"bframes": 0},
    "b_pyramid": {"bframes": 4, "fps": Fraction(60), "seconds": 2},
    "open_gop": {"bframes": 3, "codec_options": OPEN_GOP},
    "one_keyframe": {"gop": 999},
    "intra_only": {"gop": 1, "bframes": 0, "seconds": 2},
    "variable_rate": {"variable": True, "audio": None},
    "ntsc": {"fps": Fraction(30000, 1001), "gop": 30},
    "baseline": {"bframes": 0, "codec_options": {"profile": "baseline"}},
    "main": {"codec_options": {"profile": "main"}},
    "ten_bits": {"pix_fmt": "yuv420p10le"},
    "ten_bits_422": {"pix_fmt": "yuv422p10le", "seconds": 2},
    "full_range": {"pix_fmt": "yuvj420p", "full_range": True},
    "rotated": {"rotation": 90},
    "sliced": {"codec_options": {"x264-params": "slices=4:scenecut=0:log-level=error"}},
    "no_sound": {"audio": None},
    "mono": {"channels": 1, "rate": 44100},
    "mov": {"container": "mov"},
    "one_frame_gops": {"gop": 5, "bframes": 1, "seconds": 1},
}
PLACES = {"start": (0, 10), "middle": (21, 43), "end": (-9, 0), "whole": (0, 0), "one": (17, 18)}


@pytest.fixture(scope="session")
def variant(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder, made = tmp_path_factory.mktemp("variants"), dict[str, Path]()

    def make(name: str) -> Path:
        if name not in made:
            options = {"seconds": 3, **VARIANTS[name]}
            ending = options.get("container") or "mp4"
            made[name] = make_clip(folder / f"{name}.{ending}", **options)
        return made[name]

    return make


EVERYWHERE = ("b_frames", "open_gop", "one_keyframe", "variable_rate")
CASES = [
    (name, place)
    for name in VARIANTS
    for place in PLACES
    if name in EVERYWHERE or place in {"middle", "end"}
]


@pytest.mark.parametrize(("name", "place"), CASES)
def test_all_but_the_section_is_kept(
    name: str, place: str, variant: Callable[[str], Path], tmp_path: Path
) -> None:
    done = edit(variant(name), tmp_path, *PLACES[place])
    report = done.rendered.video
    assert report.action is Action.SMART, report.reason
    assert_times_kept(done, 0)
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_pictures_right(done)
    if done.source.audio:
        assert done.rendered.audio.action is Action.SMART, done.rendered.audio.reason
        assert_packets_kept(done, 1, done.rendered.audio_touched)
        assert_times_kept(done, 1)
