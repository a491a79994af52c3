"""The same source, request and seed give the same bytes."""

from fractions import Fraction
from hashlib import sha256

import pytest

from retake.core.request import Limits, RetakeRequest
from retake.core.watch import Watch
from retake.engines.vfx.engine import VfxEngine
from retake.media.probe import probe
from retake.media.render import render
from retake.steps.generate import generate
from retake.steps.plan import Planned, plan_section


@pytest.fixture
def planned(clip, tmp_path):
    source = probe(clip, Limits())
    # Flakes on a picture: what x264's look-ahead decides differently whenever it is allowed to.
    request = RetakeRequest(str(clip), Fraction(1), Fraction(2), "snow")
    section = plan_section(request, source.video, Limits())
    return Planned(clip, source, section, request, 5, tmp_path)


def digest(path):
    return sha256(path.read_bytes()).hexdigest()


def test_a_take_made_again_is_the_same_take(planned):
    takes = []
    for _ in range(2):
        files = generate(VfxEngine(), planned, Watch()).files
        takes.append((digest(files.video), digest(files.sound)))
    assert takes[0] == takes[1]


def test_a_take_rendered_again_gives_the_same_file(planned):
    files = generate(VfxEngine(), planned, Watch()).files
    outs = set()
    for _ in range(8):
        out = planned.work / "out.mp4"
        mode = planned.request.mode
        render(planned.path, out, planned.source, planned.section, mode, files, Watch())
        outs.add(digest(out))
    assert len(outs) == 1
