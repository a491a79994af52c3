"""What a payload may ask for at once, and where exactly the planned sections lie."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.cli.asking import sections_of, seeds_of
from retake.cli.outputs import Outputs
from retake.core.errors import BadRequest
from retake.core.request import Limits, RetakeRequest, check_payload
from retake.core.source import Colour, VideoStream
from retake.core.takes import MAX_TAKES, seed_of
from retake.core.timing import FrameCount
from retake.steps.plan import plan_sections

SECTION = {"start_time": 0, "duration": 2}


def asked(**payload: Any) -> RetakeRequest:
    return check_payload({"video_uri": "clip.mp4", **payload}, Limits())[0]


def refused(**payload: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        asked(**payload)
    return caught.value


@pytest.mark.parametrize(
    ("payload", "code", "param"),
    [
        ({"takes": 0}, "takes_out_of_range", "takes"),
        ({"takes": 9}, "takes_out_of_range", "takes"),
        ({"takes": 2.0}, "wrong_type", "takes"),
        ({"takes": True}, "wrong_type", "takes"),
        ({"seeds": "12"}, "wrong_type", "seeds"),
        ({"seeds": []}, "seeds_count", "seeds"),
        ({"seeds": list(range(9))}, "seeds_count", "seeds"),
        ({"seeds": [1, None]}, "wrong_type", "seeds[1]"),
        ({"seeds": [-1]}, "seed_out_of_range", "seeds[0]"),
        ({"seeds": [5, 6, 5]}, "seed_twice", "seeds[2]"),
        ({"seeds": [1, 2], "takes": 3}, "takes_and_seeds", "takes"),
        ({"seeds": [1, 2], "seed": 1}, "seed_and_seeds", "seed"),
        (
            {"seeds": [1], "sections": [{**SECTION, "seed": 1}]},
            "seed_and_seeds",
            "sections[0].seed",
        ),
        ({"sections": {}}, "wrong_type", "sections"),
        ({"sections": [[]]}, "wrong_type", "sections[0]"),
        ({"sections": []}, "sections_count", "sections"),
        ({"sections": [SECTION] * 9}, "sections_count", "sections"),
        ({"sections": [SECTION], "duration": 5}, "section_and_sections", "duration"),
        ({"sections": [{"duration": 2}]}, "missing", "sections[0].start_time"),
        ({"sections": [{**SECTION, "duration": 1}]}, "duration_too_short", "sections[0].duration"),
        ({"sections": [{**SECTION, "start_time": -1}]}, "start_negative", "sections[0].start_time"),
        ({"sections": [{**SECTION, "mode": "all"}]}, "unknown_mode", "sections[0].mode"),
        ({"sections": [{**SECTION, "prompt": 5}]}, "wrong_type", "sections[0].prompt"),
        ({"sections": [SECTION, SECTION]}, "sections_overlap", "sections[1].start_time"),
        (
            {"takes": 8, "sections": [{"start_time": 2 * n, "duration": 2} for n in range(3)]},
            "too_much_to_make",
            "takes",
        ),
    ],
)
def test_what_is_not_accepted_is_told_with_its_place(
    payload: dict[str, Any], code: str, param: str
) -> None:
    error = refused(**payload)
    assert (error.code, error.param) == (code, param)
    assert param in error.message


def test_what_a_section_leaves_out_is_the_request_s() -> None:
    own = {"start_time": 4, "duration": 3, "prompt": "own", "mode": "replace_audio", "seed": 9}
    request = asked(
        sections=[{**SECTION, "mode": None}, own], prompt="common", mode="replace_video"
    )
    told = [(one.prompt, str(one.mode), one.seed) for one in request.parts]
    assert told == [("common", "replace_video", None), ("own", "replace_audio", 9)]
    assert (request.start_time, request.duration) == (0, 2)


def test_an_unknown_key_of_a_section_is_warned_of() -> None:
    payload = {"video_uri": "clip.mp4", "sections": [{**SECTION, "colour": "red"}]}
    _, warnings = check_payload(payload, Limits())
    assert warnings == ("unknown parameter 'sections[0].colour' was ignored",)


@given(st.integers(0, 2**32 - 1), st.integers(1, MAX_TAKES), st.integers(1, 8))
def test_no_two_sections_of_a_request_draw_from_the_same_seed(
    first: int, takes: int, sections: int
) -> None:
    seeds = RetakeRequest("clip.mp4", takes=takes).take_seeds(first)
    drawn = [seed_of(seed, at, n) for at, seed in enumerate(seeds) for n in range(sections)]
    assert drawn[0] == first
    assert len(set(drawn)) == takes * sections


def film(pts: list[int]) -> VideoStream:
    """Return a film whose frames appear at these 1/48ths of a second."""
    return VideoStream(
        index=0,
        codec="h264",
        profile="High",
        pix_fmt="yuv420p",
        bit_depth=8,
        width=192,
        height=108,
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        frame_rate=Fraction(24),
        time_base=Fraction(1, 48),
        pts=tuple(pts),
        end_pts=pts[-1] + 2,
        colour=Colour(False, 1, 1, 1),
    )


@st.composite
def films_and_sections(draw: st.DrawFn) -> tuple[VideoStream, list[dict[str, Any]]]:
    """Draw a film of uneven frames, and sections whose ends are often right on its frames."""
    steps = draw(st.lists(st.integers(1, 5), min_size=240, max_size=260))
    pts = [sum(steps[:at]) for at in range(len(steps))]
    video = film(pts)
    end = video.duration
    times = st.one_of(
        st.sampled_from(list(video.times)),
        st.fractions(0, end, max_denominator=100),
    )
    edges = sorted(draw(st.lists(times, min_size=2, max_size=8)))
    sections: list[dict[str, Any]] = []
    for start, stop in pairwise(edges):
        if draw(st.booleans()) and stop - start >= 2:
            sections.append({"start_time": start, "duration": stop - start})
    return video, sections


@settings(max_examples=50)
@given(films_and_sections())
def test_planned_sections_follow_one_another_and_hold_what_was_asked(
    drawn: tuple[VideoStream, list[dict[str, Any]]],
) -> None:
    video, told = drawn
    if not told:
        return
    request = asked(sections=told)
    planned = plan_sections(request, video, Limits())
    for before, after in pairwise(planned):
        assert before.frames.end <= after.frames.start
        assert before.end <= after.start
    shown: set[int] = set()
    for part, section in zip(told, planned, strict=True):
        frames = range(section.frames.start, section.frames.end)
        assert frames
        assert section.start == video.time_of(frames.start)
        assert section.end == video.time_of(frames.stop)
        assert section.handles.start <= frames.start
        assert section.handles.end >= frames.stop
        assert section.context_start == video.time_of(section.handles.start)
        shown |= set(frames)
        # Whatever is on screen in the time that was asked for is made anew, by one of them.
        until = part["start_time"] + part["duration"]
        for number, (time, gone) in enumerate(pairwise([*video.times, video.duration])):
            if time < until and gone > part["start_time"]:
                assert number in shown


def test_sections_told_in_frames_are_compared_once_the_film_is_known() -> None:
    video = film([2 * n for n in range(240)])
    touching = [
        {"start_time": FrameCount(0), "duration": FrameCount(48)},
        {"start_time": FrameCount(48), "duration": FrameCount(48)},
    ]
    first, second = plan_sections(asked(sections=touching), video, Limits())
    assert (first.frames.end, second.frames.start) == (48, 48)
    touching[1] = {"start_time": FrameCount(47), "duration": FrameCount(48)}
    with pytest.raises(BadRequest) as caught:
        plan_sections(asked(sections=touching), video, Limits())
    assert (caught.value.code, caught.value.param) == (
        "sections_overlap",
        "sections[1].start_time",
    )


def test_sections_and_seeds_are_told_in_words_on_the_command_line() -> None:
    told = ["0:01.5,48f", "4,2,rain, and thunder", '{"start_time": "8f", "duration": 2, "seed": 3}']
    assert sections_of(told) == [
        {"start_time": Fraction(3, 2), "duration": FrameCount(48)},
        {"start_time": 4, "duration": 2, "prompt": "rain, and thunder"},
        {"start_time": FrameCount(8), "duration": 2, "seed": 3},
    ]
    assert sections_of([]) is None
    assert seeds_of("7, 8") == [7, 8]
    for wrong in ("5", "5,", "{", "x,2"):
        with pytest.raises(BadRequest) as caught:
            sections_of(["1,2", wrong])
        assert str(caught.value.param).startswith("sections[1]")


def test_several_takes_go_into_numbered_files(tmp_path: Path) -> None:
    out = Outputs(tmp_path / "out.mp4", tmp_path / "s.jpg", None, force=False, takes=2)
    assert out.wanted() == {"takes"}
    assert out.take(2).video == tmp_path / "out.2.mp4"
    (tmp_path / "out.2.mp4").touch()
    with pytest.raises(BadRequest) as caught:
        out.check("source.mp4")
    assert caught.value.code == "output_exists"
    assert "out.2.mp4" in caught.value.message
