"""The files that an edit writes: refused before the work, whole or not at all after it."""

from pathlib import Path

import pytest

from retake.cli.outputs import Outputs, container_for
from retake.core.errors import BadRequest, StorageFailed


def outputs(folder, *, force=False, video="out.mp4", report=None):
    return Outputs(folder / video, None, folder / report if report else None, force)


def refusal(caught):
    return caught.value.code, caught.value.param


def test_an_output_that_exists_needs_force(tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(BadRequest) as caught:
        outputs(tmp_path).check("in.mp4")
    assert refusal(caught) == ("output_exists", "out")
    outputs(tmp_path, force=True).check("in.mp4")


def test_a_report_that_exists_needs_force_too(tmp_path):
    (tmp_path / "r.json").write_text("{}")
    with pytest.raises(BadRequest) as caught:
        outputs(tmp_path, report="r.json").check("in.mp4")
    assert refusal(caught) == ("output_exists", "report")


def test_the_source_is_never_overwritten(tmp_path):
    source = tmp_path / "out.mp4"
    source.write_bytes(b"mine")
    with pytest.raises(BadRequest) as caught:
        outputs(tmp_path, force=True).check(str(source))
    assert refusal(caught) == ("output_is_source", "out")


@pytest.mark.parametrize(
    ("video", "code"),
    [
        ("out.gif", "unknown_container"),
        ("out", "unknown_container"),
        ("no/out.mp4", "no_such_folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused(tmp_path, video, code):
    with pytest.raises(BadRequest) as caught:
        outputs(tmp_path, video=video).check("in.mp4")
    assert refusal(caught) == (code, "out")


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path):
    made = tmp_path / "made.mp4"
    made.write_bytes(b"new")
    target = outputs(tmp_path)
    target.check("in.mp4")
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(StorageFailed) as caught:
        target.put("video", made)
    assert caught.value.code == "output_exists"
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"


def test_force_replaces(tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"old")
    made = tmp_path / "made.mp4"
    made.write_bytes(b"new")
    outputs(tmp_path, force=True).put("video", made)
    assert (tmp_path / "out.mp4").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("asked", "name", "container"),
    [
        (None, "out.mkv", "mkv"),
        (None, "out.M4V", "mp4"),
        ("MKV", "out.mkv", "MKV"),
        ("mp4", "out.m4v", "mp4"),
        ("nonsense", "out.mp4", "nonsense"),
    ],
)
def test_the_ending_names_the_container_unless_it_is_named(asked, name, container):
    assert container_for(asked, Path(name)) == container


def test_an_ending_that_says_otherwise_is_refused():
    with pytest.raises(BadRequest) as caught:
        container_for("webm", Path("out.mp4"))
    assert refusal(caught) == ("container_and_ending", "container")
    assert ".webm" in caught.value.message


def alone(folder, *, force=False, section="sec.mkv", audio="out.m4a"):
    return Outputs(
        folder / "out.mp4", None, None, force, section=folder / section, audio=folder / audio
    )


@pytest.mark.parametrize(
    ("there", "param"),
    [("sec.mp4", "section_only"), ("sec-2.mp4", "section_only"), ("out.wav", "audio_only")],
)
def test_what_a_part_alone_may_become_needs_force_where_it_exists(tmp_path, there, param):
    (tmp_path / there).write_bytes(b"mine")
    with pytest.raises(BadRequest) as caught:
        alone(tmp_path).check("in.mp4")
    assert refusal(caught) == ("output_exists", param)
    alone(tmp_path, force=True).check("in.mp4")


def test_a_part_alone_never_overwrites_the_source(tmp_path):
    source = tmp_path / "sec.mp4"
    source.write_bytes(b"mine")
    with pytest.raises(BadRequest) as caught:
        alone(tmp_path, force=True).check(str(source))
    assert refusal(caught) == ("output_is_source", "section_only")


def test_the_sound_alone_may_be_called_like_the_video_and_the_section_may_not(tmp_path):
    alone(tmp_path).check("in.mp4")
    with pytest.raises(BadRequest) as caught:
        alone(tmp_path, section="out.mkv").check("in.mp4")
    assert refusal(caught) == ("output_exists", "section_only")


def test_a_part_alone_gets_the_ending_of_what_it_is(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    for role, made, expected in (
        ("section", "section.mp4", "sec.mp4"),
        ("section_2", "section_2.mp4", "sec-2.mp4"),
        ("audio", "audio.wav", "out.wav"),
    ):
        (work / made).write_bytes(role.encode())
        assert alone(tmp_path).put(role, work / made) == str(tmp_path / expected)
        assert (tmp_path / expected).read_bytes() == role.encode()
    assert alone(tmp_path).wanted() == {"video", "section", "audio"}
