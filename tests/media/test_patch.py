"""What a patched MP4 shares with its source: every box but the tables that have to change."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retake.core.report import Action
from retake.core.request import Limits, Mode
from retake.core.watch import Watch
from retake.media.mp4.boxes import Box, read_moov
from retake.media.mp4.rewrite import read_tracks, rewrite
from retake.media.probe import probe
from retake.media.unspliceable import Unspliceable
from tests.clips import make_clip
from tests.media.compare import (
    assert_packets_kept,
    assert_pictures_right,
    assert_times_kept,
    packets,
)
from tests.media.takes import edit

CHANGING = {b"stsz", b"ctts", b"stss", b"stsd", b"stco", b"co64", b"sdtp", b"sbgp", b"sgpd"}


def moov_of(path: Path) -> Box:
    with path.open("rb") as file:
        return read_moov(file, path.stat().st_size)[0]


def leaves(box: Box, path: tuple[bytes, ...] = ()) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """Yield path and bytes of every box that the renderer has no reason to change."""
    for child in box.children or []:
        if child.children is not None:
            yield from leaves(child, (*path, child.kind))
        elif child.kind not in CHANGING:
            yield (*path, child.kind), child.payload


def remux(src: Path, dst: Path, skip: int, **options: str) -> Path:
    """Copy a clip, its times moved so that its first `skip` ticks lie before 0."""
    with av.open(src) as source, av.open(dst, "w", container_options=options) as out:
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in source.streams}
        for packet in source.demux():
            if not packet.size:
                continue
            shift = round(Fraction(skip, 24) / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = copies[packet.stream_index]
            out.mux(packet)
    return dst


@pytest.fixture(scope="session")
def trimmed(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip with its first 17 frames hidden by an edit list, as phones trim."""
    dst = tmp_path_factory.mktemp("trimmed") / "trimmed.mp4"
    return remux(clip, dst, 17, avoid_negative_ts="disabled")


@pytest.fixture(scope="session")
def decorated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with a title, chapters, oblong pixels, rotation and colour tags."""
    folder = tmp_path_factory.mktemp("decorated")
    plain = make_clip(folder / "plain.mp4", seconds=2, rotation=90, matrix=5)
    dst = folder / "decorated.mp4"
    with av.open(plain) as source, av.open(dst, "w") as out:
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in source.streams}
        copies[0].codec_context.sample_aspect_ratio = Fraction(4, 3)
        copies[1].metadata["language"] = "fra"
        out.metadata["title"] = "A title"
        base = Fraction(1, 1000)
        out.set_chapters(
            [
                {"id": n, "start": n * 1000, "end": n * 1000 + 1000, "time_base": base,
                 "metadata": {"title": f"Part {n}"}}
                for n in range(2)
            ]
        )  # fmt: skip
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                out.mux(packet)
    return dst


@pytest.mark.parametrize("full", [False, True])
def test_every_other_box_is_the_sources_byte_for_byte(
    decorated: Path, tmp_path: Path, full: bool
) -> None:
    mode = Mode.VIDEO if full else Mode.AUDIO_AND_VIDEO
    done = edit(decorated, tmp_path, 12, 30, mode, force_full=full)
    before, after = list(leaves(moov_of(decorated))), list(leaves(moov_of(done.out)))
    assert before == after
    assert {path[-1] for path, _ in before} >= {b"edts", b"tkhd", b"udta", b"stts"}
    old, new = probe(decorated, Limits()).video, probe(done.out, Limits()).video
    assert old.sample_aspect_ratio == Fraction(4, 3)
    assert old.rotation == 90
    for name in ("sample_aspect_ratio", "rotation", "colour", "pts", "end_pts", "time_base"):
        assert getattr(old, name) == getattr(new, name)
    with av.open(done.out) as container:
        assert container.metadata["title"] == "A title"
        titles = [chapter["metadata"]["title"] for chapter in container.chapters()]
        assert titles == ["Part 0", "Part 1"]
        assert container.streams.audio[0].metadata["language"] == "fra"


@pytest.mark.parametrize(("first", "last"), [(0, 8), (4, 30), (-8, 0), (0, 0), (1, 2)])
def test_a_trimmed_clip_keeps_its_edit_list(
    trimmed: Path, tmp_path: Path, first: int, last: int
) -> None:
    assert len(probe(trimmed, Limits()).video.pts) == 96 - 17
    done = edit(trimmed, tmp_path, first, last)
    assert done.rendered.video.action is Action.SMART, done.rendered.video.reason
    assert_times_kept(done, 0)
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_packets_kept(done, 1, done.rendered.audio_touched)
    assert_pictures_right(done)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_section_of_a_clip_leaves_the_rest_alone(
    clip: Path, trimmed: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    src = data.draw(st.sampled_from([clip, trimmed]))
    count = len(probe(src, Limits()).video.pts)
    # Half of the sections begin or end at a keyframe or next to one.
    bounds = st.one_of(
        st.integers(0, count), st.sampled_from([n for k in (0, 24, 48) for n in (k, k + 1)])
    )
    first, last = sorted((data.draw(bounds), data.draw(bounds)))
    first, last = min(first, count - 1), min(max(last, first + 1), count)
    done = edit(src, tmp_path_factory.mktemp("any"), first, last)
    assert_times_kept(done, 0)
    assert_packets_kept(done, 0, done.rendered.touched)
    assert_packets_kept(done, 1, done.rendered.audio_touched)
    assert_pictures_right(done)


def test_nothing_of_the_old_section_is_left_in_the_file(clip: Path, tmp_path: Path) -> None:
    done = edit(clip, tmp_path, 24, 72)
    out = done.out.read_bytes()
    first, last = done.rendered.touched or (0, 0)
    with av.open(clip) as container:
        old = [bytes(p) for p in container.demux(video=0) if p.size][first:last]
    assert old
    assert not [data for data in old if len(data) > 60 and data in out]


def test_two_sections_can_be_redone_one_after_the_other(clip: Path, tmp_path: Path) -> None:
    once = edit(clip, tmp_path, 20, 40, name="once.mp4")
    twice = edit(once.out, tmp_path, 30, 60, name="twice.mp4")
    assert twice.rendered.video.action is Action.SMART, twice.rendered.video.reason
    assert_times_kept(twice, 0)
    assert_packets_kept(twice, 0, twice.rendered.touched)
    assert_packets_kept(twice, 1, twice.rendered.audio_touched)
    assert_pictures_right(twice)
    assert [p.dts for p in packets(twice.out, 0)] == [p.dts for p in packets(clip, 0)]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_tables_are_refused_and_nothing_worse(
    clip: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = clip.read_bytes()
    at = whole.rindex(b"moov")
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(at - 4, len(whole) - 4))
        value = data.draw(st.sampled_from([0, 1, 2, 255, 2**16, 2**31 - 1, 2**32 - 1]))
        broken[place : place + 4] = value.to_bytes(4, "big")
    path = tmp_path_factory.getbasetemp() / "broken.mp4"
    path.write_bytes(broken)
    out = io.BytesIO()
    try:
        read_tracks(path)
        rewrite(path, out, {}, [], Watch())
    except Unspliceable:
        return
    assert len(out.getvalue()) < 2 * len(whole)


def test_tables_that_point_at_the_same_data_again_are_refused(clip: Path, tmp_path: Path) -> None:
    whole = bytearray(clip.read_bytes())
    at = whole.index(b"stsz")
    count = int.from_bytes(whole[at + 12 : at + 16], "big")
    sizes = np.full(count, len(whole) // 3, ">u4").tobytes()
    whole[at + 16 : at + 16 + len(sizes)] = sizes
    path = tmp_path / "bomb.mp4"
    path.write_bytes(whole)
    with pytest.raises(Unspliceable):
        rewrite(path, io.BytesIO(), {}, [], Watch())
