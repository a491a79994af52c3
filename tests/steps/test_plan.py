"""The plan: from seconds to exactly the frames that are made anew."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.conversion import Conversion
from retake.core.errors import BadRequest
from retake.core.request import Limits, RetakeRequest
from retake.core.source import Colour, Source, VideoStream
from retake.core.timing import FrameCount
from retake.steps.plan import plan_form, plan_section

LIMITS = Limits()


def video(*, frames=240, step=1, time_base=Fraction(1, 24), pts=None):
    pts = tuple(pts) if pts else tuple(n * step for n in range(frames))
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
        frame_rate=1 / (step * time_base),
        time_base=time_base,
        pts=pts,
        end_pts=pts[-1] + step,
        colour=Colour(False, 1, 1, 1),
    )


def asked(start, duration):
    return RetakeRequest("clip.mp4", start_time=start, duration=duration)


def test_a_section_on_frame_boundaries_is_taken_as_it_is():
    section = plan_section(asked(Fraction(2), Fraction(3)), video(), LIMITS)
    assert (section.frames.start, section.frames.end) == (48, 120)
    assert (section.start, section.end) == (2, 5)
    assert (section.handles.start, section.handles.end) == (24, 144)
    assert not section.clamped


def test_handles_end_where_the_video_ends():
    section = plan_section(asked(Fraction(0), Fraction(10)), video(), LIMITS)
    assert section.handles == section.frames


def test_a_section_past_the_end_is_cut_there_and_told():
    section = plan_section(asked(Fraction(7), Fraction(5)), video(), LIMITS)
    assert section.end == 10
    assert section.clamped


@pytest.mark.parametrize(
    ("start", "duration", "code", "param"),
    [
        (Fraction(10), Fraction(2), "start_past_end", "start_time"),
        (Fraction(9), Fraction(2), "section_past_end", "start_time"),
        (FrameCount(240), Fraction(2), "start_past_end", "start_time"),
        (Fraction(0), FrameCount(47), "duration_too_short", "duration"),
    ],
)
def test_what_does_not_fit_is_refused(start, duration, code, param):
    with pytest.raises(BadRequest) as caught:
        plan_section(asked(start, duration), video(), LIMITS)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_video_shorter_than_the_least_section_says_so():
    with pytest.raises(BadRequest, match=r"the video lasts 1\.000 s"):
        plan_section(asked(Fraction(0), Fraction(5)), video(frames=24), LIMITS)


@given(
    step=st.sampled_from([1000, 1001]),
    rate=st.sampled_from([24000, 25000, 30000, 60000]),
    start=st.integers(0, 100),
    count=st.integers(120, 200),
)
def test_counts_of_frames_are_exact_at_every_rate(step, rate, start, count):
    stream = video(frames=300, step=step, time_base=Fraction(1, rate))
    section = plan_section(asked(FrameCount(start), FrameCount(count)), stream, LIMITS)
    assert (section.frames.start, section.frames.end) == (start, start + count)


frame_gaps = st.lists(st.integers(10, 90), min_size=200, max_size=240)


@given(frame_gaps, st.data())
def test_any_section_of_any_timing_covers_what_was_asked(gaps, data):
    pts = [0]
    for gap in gaps:
        pts.append(pts[-1] + gap)
    stream = video(pts=pts, time_base=Fraction(1, 900))
    start = data.draw(st.fractions(0, stream.duration - 2, max_denominator=1001))
    duration = data.draw(st.fractions(2, 12, max_denominator=1001))
    section = plan_section(asked(start, duration), stream, LIMITS)
    assert section.start <= start
    assert section.end >= min(start + duration, stream.duration)
    # No frame more than needed: the first and the last one are really on screen in it.
    assert stream.time_of(section.frames.start + 1) > start
    assert stream.time_of(section.frames.end - 1) < start + duration
    assert section.handles.start <= section.frames.start
    assert section.frames.end <= section.handles.end


def of_type(file_type):
    return Source("any", video(), (), 0, 1000, file_type=file_type)


@pytest.mark.parametrize(
    ("file_type", "ending", "asked_for", "comes"),
    [
        ("webm", ".webm", None, "webm"),
        ("ogg", ".ogv", None, "webm"),
        ("avi", ".avi", "avi", "avi"),
        ("mov", ".mov", "mp4", "mp4"),
        # Its content is a MOV, whatever its name says: it is left what it is.
        ("mov", ".mp4", "mp4", "mov"),
        ("mkv", ".mp4", "mp4", "mp4"),
    ],
)
def test_the_result_comes_in_the_source_s_container_or_the_one_asked_for(
    file_type, ending, asked_for, comes
):
    form = plan_form(Conversion(asked_for), of_type(file_type), ending)
    assert form.container == comes


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Conversion(video_codec="h264"), "codec_not_in_container"),
        (Conversion(container="flv"), "unknown_container"),
    ],
)
def test_a_form_that_the_source_s_container_cannot_have_is_refused(wanted, code):
    with pytest.raises(BadRequest) as caught:
        plan_form(wanted, of_type("webm"), ".webm")
    assert caught.value.code == code
