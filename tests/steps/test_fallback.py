"""A result that fails its verification is never delivered: it is made again, and that is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from threading import Event

import av
import pytest

from retake.cli.summary import show_summary
from retake.core.errors import Cancelled, RenderFailed
from retake.core.report import Action
from retake.core.request import Limits, Mode, RetakeRequest
from retake.core.watch import Stage, Watch
from retake.media.probe import probe
from retake.steps.generate import Generated
from retake.steps.plan import Planned
from retake.steps.render import Proven, render_verified
from retake.steps.report import make_report
from tests.media.takes import make_take, section_of


@pytest.fixture
def planned(clip: Path, tmp_path: Path) -> Planned:
    source = probe(clip, Limits())
    request = RetakeRequest(str(clip), Fraction(5, 4), Fraction(3, 2), "", Mode.AUDIO_AND_VIDEO)
    return Planned(clip, source, section_of(source, 30, 66), request, 1, tmp_path)


def spoil(path: Path) -> None:
    """Turn one bit of the first packet over, as a failing disk does."""
    with av.open(path) as container:
        packet = next(p for p in container.demux(video=0) if p.size)
        place = packet.pos + packet.size // 2
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def spoiling(out: Path, times: int) -> Watch:
    """Return a watch under whose eyes the file is damaged as soon as it has been rendered."""
    left = [times]
    stage_before = [Stage.PLAN]

    def sink(stage: Stage, _done: int, _total: int) -> None:
        if stage is Stage.VERIFY and stage_before[0] is Stage.RENDER and left[0]:
            left[0] -= 1
            spoil(out)
        stage_before[0] = stage

    return Watch(sink)


def proven_under(planned: Planned, make_watch: Callable[[Path], Watch]) -> Proven:
    out = planned.work / "out.mp4"
    take = make_take(planned.work, planned.source, planned.section)
    return render_verified([planned], out, [take], make_watch(out))


def test_a_sound_result_needs_no_fallback(planned: Planned) -> None:
    proven = proven_under(planned, lambda _out: Watch())
    assert proven.rendered.fallback is None
    assert proven.rendered.video.action is Action.SMART


def test_a_damaged_result_is_made_again_and_said_so(
    planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    proven = proven_under(planned, lambda out: spoiling(out, 1))
    rendered = proven.rendered
    assert rendered.video.action is rendered.audio.action is Action.REENCODED
    assert rendered.fallback is not None
    assert "video packets outside" in rendered.fallback
    assert "re-encoded in full" in rendered.fallback
    assert all(check.passed for check in proven.checks)
    from retake.engines.vfx.info import INFO

    made = Generated(make_take(planned.work, planned.source, planned.section), ())
    report = make_report([planned], [made], proven, INFO, {}, Watch()).to_dict()
    assert report["fallback"] == rendered.fallback
    show_summary({"video": "out.mp4"}, report)
    told = " ".join(capsys.readouterr().out.split())
    assert "fallback smart rendering did not hold (video packets outside" in told


def test_what_is_damaged_twice_is_not_delivered(planned: Planned) -> None:
    def always(out: Path) -> Watch:
        return spoiling_all(out)

    with pytest.raises(RenderFailed) as caught:
        proven_under(planned, always)
    assert caught.value.code == "verification_failed"


def spoiling_all(out: Path) -> Watch:
    """Return a watch under whose eyes every rendered file loses its end."""
    stage_before = [Stage.PLAN]

    def sink(stage: Stage, _done: int, _total: int) -> None:
        if stage is Stage.VERIFY and stage_before[0] is Stage.RENDER:
            out.write_bytes(out.read_bytes()[:-2000])
        stage_before[0] = stage

    return Watch(sink)


def test_a_cancel_stops_the_verification(planned: Planned) -> None:
    cancel = Event()
    asked: list[float] = []

    def sink(stage: Stage, done: int, _total: int) -> None:
        if stage is Stage.VERIFY and done == 5:
            cancel.set()
            asked.append(time.monotonic())

    with pytest.raises(Cancelled):
        proven_under(planned, lambda _out: Watch(sink, cancel))
    assert time.monotonic() - asked[0] < 1
