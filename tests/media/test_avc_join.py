"""H.264 runs on behind new pictures as if nothing had happened: later packets stay as they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import av
import pytest

from retake.core.report import Action
from retake.media.bitstream.nal import AvcConfig
from retake.media.bitstream.slices import StreamLook
from retake.media.packets import index_packets
from retake.media.pictures.avc_join import plan_join
from retake.media.pictures.avc_places import Kind
from retake.media.pictures.spans import plan_smart
from tests.clips import make_clip
from tests.media.compare import packets, pictures, psnr
from tests.media.takes import FIRST_NUMBER, Edit, edit

MEDIUM = "scenecut=0:ref=3:bframes=3:b-adapt=1:b-pyramid=normal:weightp=2:direct=auto"
SOURCES = {
    "as x264 makes them": f"{MEDIUM}",
    "temporal direct": f"{MEDIUM}:direct=temporal",
    "CAVLC": f"{MEDIUM}:cabac=0",
    "sliced": f"{MEDIUM}:slices=3",
    "open GOP": f"{MEDIUM}:keyint=20:min-keyint=20:open-gop=1",
    "one reference": "scenecut=0:ref=1:bframes=2:b-pyramid=none",
    "weights": f"{MEDIUM}:weightb=1:ref=4",
    "no B-frames": "scenecut=0:bframes=0:ref=2",
}
SHAPES = {
    "hidden edges, 10 bits": ("yuv420p10le", (202, 118)),
    "4:2:2, 10 bits": ("yuv422p10le", (192, 108)),
    "4:4:4": ("yuv444p", (186, 102)),
}


def clip(
    folder: Path,
    parameters: str,
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (192, 108),
) -> Path:
    """Make a clip of 72 frames with a single keyframe, unless the parameters say otherwise."""
    return make_clip(
        folder / "source.mp4",
        seconds=3,
        gop=999,
        audio=None,
        pix_fmt=pix_fmt,
        size=size,
        codec_options={"x264-params": f"{parameters}:log-level=error"},
    )


def assert_runs_on(made: Edit, *, again: int) -> None:
    """Check that all but a few frames are exact, and that the report says so."""
    report, section = made.rendered.video, made.section.frames
    assert report.action is Action.SMART, report.reason
    before, after = pictures(made.src), pictures(made.out, strict=True)
    assert [picture.pts for picture in before] == [picture.pts for picture in after]
    outside = [n for n in range(len(before)) if n not in section]
    changed = [n for n in outside if before[n].digest != after[n].digest]
    assert len(changed) <= again
    assert all(psnr(before[n].luma, after[n].luma) >= 49 for n in changed)
    assert (report.frames_exact, report.frames_reencoded) == (
        len(outside) - len(changed),
        len(changed),
    )
    shown = [after[n].number for n in range(section.start, section.end)]
    assert shown == [FIRST_NUMBER - at for at in range(len(section))]
    first, last = made.rendered.touched or (0, 0)
    old, new = packets(made.src, 0), packets(made.out, 0)
    assert [p.dts for p in old] == [p.dts for p in new]
    assert old[:first] == new[:first]
    assert old[last:] == new[last:]
    assert last < len(old) - 20


@pytest.mark.parametrize("name", SOURCES)
def test_behind_a_few_frames_everything_is_the_sources(name: str, tmp_path: Path):
    assert_runs_on(edit(clip(tmp_path, SOURCES[name]), tmp_path, 22, 33), again=9)


@pytest.mark.parametrize("name", SHAPES)
def test_so_it_is_with_other_samples_and_edges_that_are_hidden(name: str, tmp_path: Path):
    pix_fmt, size = SHAPES[name]
    assert_runs_on(edit(clip(tmp_path, MEDIUM, pix_fmt, size), tmp_path, 22, 33), again=9)


@pytest.mark.parametrize("first", [0, 17])
def test_so_it_is_at_the_start_and_for_a_single_frame(first: int, tmp_path: Path):
    assert_runs_on(edit(clip(tmp_path, MEDIUM), tmp_path, first, first + 1), again=9)


def test_a_keyframe_within_the_section_stays_one(tmp_path: Path):
    source = clip(tmp_path, f"{MEDIUM}:keyint=32:min-keyint=32")
    made = edit(source, tmp_path, 22, 33)
    assert_runs_on(made, again=9)


def test_wherever_the_section_lies_the_rest_is_joined_to_it():
    # Its encoder forgets references early, which the new pictures have to do as well.
    source = Path(__file__).parents[2] / "demo" / "clip.mp4"
    with av.open(source) as container:
        extradata = bytes(container.streams.video[0].codec_context.extradata or b"")
    look = StreamLook(AvcConfig.parse(extradata))
    found = index_packets(source, 0, look.is_clean)
    times = sorted(packet.pts for packet in found)
    costs = {Kind.INTRA: 0.35, Kind.RAW: 1.0}
    for first in range(1, 100, 7):
        section = times[first : first + 12]
        cut = plan_smart(found, section).cut
        join = plan_join(found, look.pictures, look.sps[0], section, cut, costs)
        assert join.count(Kind.SECTION) == 12
        assert join.count(Kind.RAW) <= 4 and join.count(Kind.INTRA) <= 12


def test_without_b_frames_nothing_outside_is_encoded_again(tmp_path: Path):
    made = edit(clip(tmp_path, SOURCES["no B-frames"]), tmp_path, 22, 33)
    assert made.rendered.video.frames_reencoded == 0
    changed = [a != b for a, b in zip(packets(made.src, 0), packets(made.out, 0), strict=True)]
    # The section, and two raw pictures for the two references.
    assert Counter(changed) == {True: 13, False: 59}


def test_no_new_sequence_parameter_set_is_needed(tmp_path: Path):
    made = edit(clip(tmp_path, MEDIUM), tmp_path, 22, 33)
    with av.open(made.out) as container:
        record = bytes(container.streams.video[0].codec_context.extradata or b"")
    assert record[5] & 31 == 1


def test_a_spliced_file_can_be_spliced_again(tmp_path: Path):
    once = edit(clip(tmp_path, MEDIUM), tmp_path, 22, 33, name="once.mp4")
    twice = edit(once.out, tmp_path, 41, 47, name="twice.mp4")
    assert_runs_on(twice, again=9)
    assert [p.number for p in pictures(twice.out)][22:33] == [FIRST_NUMBER - n for n in range(11)]


def test_the_same_take_gives_the_same_bytes(tmp_path: Path):
    source = clip(tmp_path, MEDIUM)
    made = {edit(source, tmp_path, 22, 33, name=f"{n}.mp4").out.read_bytes() for n in range(3)}
    assert len(made) == 1


def test_where_everything_leans_on_the_section_the_rest_is_encoded_again(tmp_path: Path):
    # Sixteen references reach back into the section from nearly everywhere behind it.
    source = clip(tmp_path, "scenecut=0:ref=16:bframes=8:b-adapt=0:b-pyramid=normal:weightp=2")
    made = edit(source, tmp_path, 40, 60)
    after = pictures(made.out, strict=True)
    assert [p.number for p in after][40:60] == [FIRST_NUMBER - at for at in range(20)]
    assert made.rendered.video.action is Action.SMART


def test_grey_pictures_are_spliced_up_to_the_next_keyframe(tmp_path: Path):
    made = edit(clip(tmp_path, MEDIUM, "gray"), tmp_path, 22, 33)
    assert made.rendered.video.frames_reencoded >= 72 - 33
    assert len(pictures(made.out, strict=True)) == 72
