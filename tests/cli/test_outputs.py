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
