"""An engine that shows what it did to the handles gets its colours put right, in any door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retake.core.timing import FrameRange
from retake.engines.engine import Frame, MadeHandles, Shot, Take
from retake.steps.outcome import outcome_of
from tests.takes.quick import Quick
from tests.takes.walking import report_of, walk

PLACE = {"start_time": 1, "duration": 1, "mode": "replace_video"}


class Tinting(Quick):
    """Gives back the source's own frames, a little off; `shows` says whether it tells."""

    def __init__(self, shift: int, *, shows: bool = True, crossed: bool = False) -> None:
        super().__init__()
        self.shift, self.shows, self.crossed = shift, shows, crossed

    def make(self, shot: Shot) -> Take:
        take = super().make(shot)
        first, last = shot.section.start, shot.section.end
        handles = MadeHandles(
            self._off(shot, FrameRange(max(first - 4, 0), first)),
            self._off(shot, FrameRange(last, min(last + 4, len(shot.frames)))),
        )
        return replace(
            take, frames=self._off(shot, shot.section), handles=handles if self.shows else None
        )

    def _off(self, shot: Shot, frames: FrameRange) -> Iterator[Frame]:
        for frame in shot.frames.read(frames) if len(frames) else ():
            tint = np.array([self.shift, 0, -self.shift])
            made = np.clip(frame.astype(np.int16) + tint, 0, 255)
            if self.crossed and frames != shot.section:
                made[20:80, 30:90] = (255, 250, 0)
            yield made.astype(np.uint8)


def likeness(clip: Path, folder: Path) -> float:
    """Return how like the source's the pictures in the middle of the section are, in dB."""
    from retake.core.request import Limits
    from retake.media.decode import SourceFrames
    from retake.media.probe import probe

    source = probe(clip, Limits())
    middle = FrameRange(34, 38)
    own, new = (
        np.stack(list(SourceFrames(path, source, middle).read())).astype(float)
        for path in (clip, folder / "video.mp4")
    )
    return float(10 * np.log10(255**2 / np.mean((own - new) ** 2)))


@pytest.mark.parametrize("crossed", [False, True])
def test_a_tint_is_put_right_and_told_in_numbers(clip: Path, tmp_path: Path, crossed: bool) -> None:
    for shows in (True, False):
        folder = tmp_path / str(shows)
        folder.mkdir()
        walk(clip, folder, Tinting(9, shows=shows, crossed=crossed), **PLACE)
    report = report_of(tmp_path / "True")
    for side in ("before", "after"):
        told = report["colour_match"][side]
        assert told["offset"][0] == pytest.approx(-9, abs=2)
        assert told["left"] < 1 < told["off_by"]
        assert told["frames"] == 4
    assert any("colours were matched" in note for note in report["notes"])
    assert report["sections"][0]["colour_match"] == report["colour_match"]
    assert report_of(tmp_path / "False")["colour_match"] is None
    assert likeness(clip, tmp_path / "True") > likeness(clip, tmp_path / "False") + 4


def test_an_engine_that_keeps_its_handles_as_they_were_changes_nothing(
    clip: Path, tmp_path: Path
) -> None:
    for shows in (True, False):
        folder = tmp_path / str(shows)
        folder.mkdir()
        walk(clip, folder, Tinting(0, shows=shows), **PLACE)
    told = report_of(tmp_path / "True")
    assert told["colour_match"]["before"]["gain"] == [1, 1, 1]
    assert told["notes"] == report_of(tmp_path / "False")["notes"]
    with_, without = (tmp_path / name / "video.mp4" for name in ("True", "False"))
    assert with_.read_bytes() == without.read_bytes()


def test_at_the_film_s_own_ends_one_side_is_enough(clip: Path, tmp_path: Path) -> None:
    place = {"start_time": 0, "duration": 1, "mode": "replace_video"}
    outcome = outcome_of(walk(clip, tmp_path, Tinting(9), **place))
    match = outcome["report"]["colour_match"]
    assert match["before"] is None
    assert match["after"]["offset"][0] == pytest.approx(-9, abs=2)


def test_handles_beyond_the_film_s_ends_are_not_looked_at(clip: Path, tmp_path: Path) -> None:
    class Beyond(Tinting):
        def make(self, shot: Shot) -> Take:
            take = super().make(shot)
            made = take.handles or MadeHandles()
            blue = np.full((108, 192, 3), (0, 0, 255), np.uint8)
            return replace(take, handles=replace(made, before=[*[blue] * 9, *made.before]))

    place = {"start_time": 0.125, "duration": 1, "mode": "replace_video"}
    match = outcome_of(walk(clip, tmp_path, Beyond(9), **place))["report"]["colour_match"]
    assert match["before"]["frames"] == 3
    assert match["before"]["offset"][0] == pytest.approx(-9, abs=2)


def test_pictures_that_are_kept_are_not_matched(clip: Path, tmp_path: Path) -> None:
    walk(clip, tmp_path, Tinting(9), **{**PLACE, "mode": "replace_audio"})
    assert report_of(tmp_path)["colour_match"] is None
