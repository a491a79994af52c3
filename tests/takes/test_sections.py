"""Several sections in one render: what lies in none of them is the source's, packet by packet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from retake.core.errors import BadRequest
from retake.core.request import Limits, Mode
from retake.core.section import Redone
from retake.core.watch import Watch
from retake.media.placed import Placed
from retake.media.probe import probe
from retake.media.proof.verify import verify_sections
from retake.media.render import render_takes
from tests.clips import make_clip
from tests.media.takes import make_take, section_of
from tests.takes.quick import Quick
from tests.takes.walking import changed, report_of, walk

TWO = [
    {"start_time": 1, "duration": 1, "prompt": "first"},
    {"start_time": 5, "duration": 1.5, "prompt": "second"},
]


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 s of H.264 with a keyframe a second and AAC, at 24 frames a second."""
    return make_clip(tmp_path_factory.mktemp("long") / "clip.mp4", seconds=8)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("clip.mp4", {}),
        ("one_gop.mp4", {"gop": 250}),
        ("hevc.mkv", {"codec": "libx265", "gop": 48, "audio": "flac"}),
        ("clip.webm", {"codec": "libvpx-vp9", "audio": "libopus"}),
        ("clip.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "audio": "pcm_s24le"}),
    ],
)
def test_between_two_sections_every_packet_is_the_source_s(
    tmp_path: Path, name: str, more: dict[str, object]
) -> None:
    src = make_clip(tmp_path / name, seconds=8, **more)  # type: ignore[arg-type]
    walk(src, tmp_path, sections=TWO)
    report = report_of(tmp_path)
    assert report["video"]["action"] == report["audio"]["action"] == "smart"
    assert report["fallback"] is None
    assert all(check["passed"] for check in report["checks"])
    assert report["video"]["frames_generated"] == 24 + 36
    out = tmp_path / f"video{src.suffix}"
    pictures, sound = changed(src, out, "video"), changed(src, out, "audio")
    # 3 s and a half lie between them, one second before and one and a half behind.
    for count, new in ((192, pictures), (report["audio"]["packets"], sound)):
        middle = set(range(round(count * 0.4), round(count * 0.56)))
        assert new
        assert not middle & set(new)
        assert min(new) > count * 0.1
    assert max(sound) < report["audio"]["packets"] * 0.87


def test_each_section_has_its_prompt_its_seed_and_its_entry(
    long_clip: Path, tmp_path: Path
) -> None:
    engine = Quick()
    sections = [TWO[0], {**TWO[1], "prompt": None, "seed": 100}]
    walk(long_clip, tmp_path, engine, sections=sections, prompt="common", seed=7)
    assert [(shot.prompt, shot.seed) for shot in engine.shots] == [("first", 7), ("common", 100)]
    # Every section is made from the source as it was.
    assert [len(shot.frames) for shot in engine.shots] == [24 + 48, 36 + 48]
    report = report_of(tmp_path)
    assert report["section"]["first_frame"] == 24
    told = [(one["first_frame"], one["last_frame"], one["prompt"]) for one in report["sections"]]
    assert told == [(24, 47, "first"), (120, 155, "common")]
    assert all(one["seams"]["psnr_in_db"] > 30 for one in report["sections"])
    assert [one["duration"] for one in report["request"]["sections"]] == [1.0, 1.5]
    assert report["notes"] == ["section 1: first", "section 2: common"]


def test_one_section_s_pictures_and_another_one_s_sound(long_clip: Path, tmp_path: Path) -> None:
    modes = [{**TWO[0], "mode": "replace_video"}, {**TWO[1], "mode": "replace_audio"}]
    walk(long_clip, tmp_path, sections=modes)
    out = tmp_path / "video.mp4"
    assert max(changed(long_clip, out, "video")) < 5 * 24
    assert min(changed(long_clip, out, "audio")) > 4.9 * 48000 / 1024
    kept = [{**one, "mode": "replace_audio"} for one in TWO]
    walk(long_clip, tmp_path, sections=kept)
    assert not changed(long_clip, out, "video")
    assert report_of(tmp_path)["video"]["action"] == "copied"


def test_sections_that_touch_or_nearly_do_are_spliced_as_one(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "clip.mp4", seconds=6)
    for second in (2.25, 2.375):
        sections = [{"start_time": 1.25, "duration": 1}, {"start_time": second, "duration": 1}]
        walk(src, tmp_path, sections=sections)
        report = report_of(tmp_path)
        assert report["fallback"] is None
        assert report["video"]["action"] == report["audio"]["action"] == "smart"
        assert report["video"]["frames_generated"] == 48
        assert report["video"]["frames_reencoded"] < 48
        assert max(changed(src, tmp_path / "video.mp4", "video")) < 4 * 24


def test_damage_between_two_sections_is_noticed(long_clip: Path, tmp_path: Path) -> None:
    source = probe(long_clip, Limits())
    places = [section_of(source, 24, 48), section_of(source, 120, 156)]
    placed: list[Placed] = []
    for section in places:
        folder = tmp_path / str(section.frames.start)
        folder.mkdir()
        placed.append(Placed(section, Mode.AUDIO_AND_VIDEO, make_take(folder, source, section)))
    out = tmp_path / "out.mp4"
    rendered = render_takes(long_clip, out, source, placed, Watch())
    redone = [Redone(one.section, one.mode) for one in placed]
    assert all(check.passed for check in verify_sections(long_clip, out, source, redone, rendered))
    # A renderer that claims less, or an output whose middle is not the source's, does not pass.
    parts = ((rendered.parts[0][0] + 1, rendered.parts[0][1]), rendered.parts[1])
    claim = replace(rendered, parts=parts)
    found = verify_sections(long_clip, out, source, redone, claim)
    assert "video packets outside" in {check.name for check in found if not check.passed}
    one = [Redone(places[0], Mode.AUDIO_AND_VIDEO)]
    found = verify_sections(long_clip, out, source, one, rendered)
    assert {check.name for check in found if not check.passed} == {"re-encoded pictures"}


def test_a_silent_film_gets_sound_in_every_section(tmp_path: Path) -> None:
    src = make_clip(tmp_path / "clip.mp4", seconds=8, audio=None)
    walk(src, tmp_path, sections=TWO)
    report = report_of(tmp_path)
    assert report["audio"]["action"] == "created"
    assert report["audio"]["frames_generated"] == round(2.5 * 48000)


@pytest.mark.parametrize(
    ("form", "video", "audio"),
    [
        ({"container": "mkv"}, "smart", "smart"),
        ({"video_codec": "mpeg2video", "audio_codec": "mp2"}, "reencoded", "reencoded"),
    ],
)
def test_sections_go_into_another_form_as_well(
    long_clip: Path, tmp_path: Path, form: dict[str, str], video: str, audio: str
) -> None:
    modes = [{**TWO[0], "mode": "replace_video"}, TWO[1]]
    walk(long_clip, tmp_path, sections=modes, **form)
    report = report_of(tmp_path)
    assert (report["video"]["action"], report["audio"]["action"]) == (video, audio)
    assert report["fallback"] is None
    assert all(check["passed"] for check in report["checks"])
    assert report["video"]["frames_generated"] == 24 + 36
    assert report["audio"]["frames_generated"] == round(1.5 * 48000)


def test_a_section_that_does_not_fit_is_told_by_its_number(long_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(long_clip, tmp_path, sections=[TWO[0], {"start_time": 60, "duration": 1}])
    assert caught.value.param == "sections[1].start_time"
    assert caught.value.message.startswith("sections[1].start_time is 60")
