"""Several takes of one request: each by itself, from one source, whatever becomes of the others."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from retake.core.errors import Cancelled, EngineFailed
from retake.core.eta import percent_done
from retake.core.watch import Stage, Watch
from retake.steps.outcome import outcome_of
from tests.takes.quick import Quick
from tests.takes.walking import Recorded, keeping, report_of, walk

PLACE = {"start_time": 1, "duration": 1}


class KilledError(Exception):
    """Stands for the end of the process."""


def test_every_take_has_its_seed_its_files_and_its_report(clip: Path, tmp_path: Path) -> None:
    engine = Quick()
    outcome = outcome_of(walk(clip, tmp_path, engine, takes=3, seed=4294967294, **PLACE))
    # The seeds go on from the request's, round the end of their range.
    assert [shot.seed for shot in engine.shots] == [4294967294, 4294967295, 0]
    videos = [take["files"]["video"] for take in outcome["takes"]]
    assert videos == ["video-1.mp4", "video-2.mp4", "video-3.mp4"]
    assert len({(tmp_path / name).read_bytes() for name in videos}) == 3
    assert [report_of(tmp_path, f"report-{n}.json")["seed"] for n in (1, 2, 3)] == [
        4294967294, 4294967295, 0,
    ]  # fmt: skip
    assert outcome["files"] == outcome["takes"][0]["files"]
    assert outcome["warnings"] == []


def test_one_take_alone_gives_the_very_bytes_that_it_gave_among_others(
    clip: Path, tmp_path: Path
) -> None:
    for name in ("all", "one"):
        (tmp_path / name).mkdir()
    walk(clip, tmp_path / "all", seeds=[3, 11], **PLACE)
    walk(clip, tmp_path / "one", seed=11, **PLACE)
    together, alone = tmp_path / "all/video-2.mp4", tmp_path / "one/video.mp4"
    assert together.read_bytes() == alone.read_bytes()


def test_a_single_take_is_told_as_ever(clip: Path, tmp_path: Path) -> None:
    outcome = outcome_of(walk(clip, tmp_path, takes=1, **PLACE))
    assert sorted(outcome) == ["files", "notes", "report"]
    assert outcome["files"]["video"] == "video.mp4"


def test_a_take_that_fails_does_not_keep_the_others_from_coming(clip: Path, tmp_path: Path) -> None:
    engine = Quick(failing=frozenset({7}))
    finished = walk(clip, tmp_path, engine, takes=3, seed=7, **PLACE)
    outcome = outcome_of(finished)
    assert [take["status"] for take in outcome["takes"]] == ["failed", "success", "success"]
    assert outcome["takes"][0]["error"]["code"] == "no_luck"
    assert outcome["files"]["video"] == "video-2.mp4"
    assert outcome["report"]["seed"] == 8
    assert outcome["warnings"] == ["take 1 (seed 7) failed: nothing came of seed 7"]


def test_where_every_take_fails_the_request_does(clip: Path, tmp_path: Path) -> None:
    engine = Quick(failing=frozenset({7, 8}))
    with pytest.raises(EngineFailed) as caught:
        walk(clip, tmp_path, engine, takes=2, seed=7, **PLACE)
    assert caught.value.code == "no_luck"


def test_after_a_kill_only_what_is_missing_is_made_again(clip: Path, tmp_path: Path) -> None:
    sections = [PLACE, {"start_time": 2.5, "duration": 1}]
    asked = {"takes": 2, "sections": sections, "seed": 7, "mode": "replace_audio"}
    records: Recorded = {}
    done: list[str] = []
    walk(clip, tmp_path, Quick(), keeping(records, done.append), **asked)
    assert done == [
        "fetch", "generate", "generate take 1 section 2", "generate take 2",
        "generate take 2 section 2", "render", "render take 2", "publish takes", "publish",
        "publish take 2",
    ]  # fmt: skip
    whole = (tmp_path / "video-2.mp4").read_bytes()
    for killed_at in ("generate take 2", "publish take 2"):
        folder = tmp_path / killed_at.replace(" ", "-")
        folder.mkdir()
        kept: Recorded = {}

        def killed(name: str, at: str = killed_at) -> None:
            if name == at:
                raise KilledError

        with pytest.raises(KilledError):
            walk(clip, folder, Quick(), keeping(kept, killed), **asked)
        engine, again = Quick(), list[str]()
        walk(clip, folder, engine, keeping(kept, again.append), **asked)
        assert again == done[done.index(killed_at) :]
        assert len(engine.shots) == sum(name.startswith("generate") for name in again)
        assert (folder / "video-2.mp4").read_bytes() == whole


def test_progress_only_grows_over_all_takes(clip: Path, tmp_path: Path) -> None:
    told: list[tuple[Stage, float]] = []

    def sink(stage: Stage, done: int, total: int) -> None:
        assert done <= total or not total
        told.append((stage, percent_done(stage, done, total)))

    walk(clip, tmp_path, watch=Watch(sink), takes=3, **PLACE)
    percents = [percent for stage, percent in told if stage is not Stage.VERIFY]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == list(Stage)
    halves = [percent for stage, percent in told if stage is Stage.GENERATE and 30 < percent < 60]
    assert halves


def test_a_cancel_between_two_takes_ends_the_request(clip: Path, tmp_path: Path) -> None:
    cancel = Event()
    engine = Quick(drawn=lambda: cancel.set() if len(engine.shots) == 2 else None)
    with pytest.raises(Cancelled):
        walk(clip, tmp_path, engine, watch=Watch(cancel=cancel), takes=3, **PLACE)
    assert len(engine.shots) == 2
    assert not list(tmp_path.glob("video*"))
