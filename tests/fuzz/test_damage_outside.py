"""Damage outside the section that a decoder tolerates is the source's own and is kept as it is."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from retake.core.report import Action
from retake.core.request import Mode
from retake.media.proof.verify import verify
from tests.matrix.sources import ROWS
from tests.media.compare import packets
from tests.media.takes import edit

DAMAGED = 55
"""A packet in decode order that lies in the second behind the one with the section in it."""


@pytest.mark.parametrize("name", ["h264 mp4", "h264 one keyframe mp4"])
def test_damage_outside_the_section_is_copied(name: str, tmp_path: Path) -> None:
    row = ROWS[name]
    src = row.make(tmp_path / f"source{row.ending}")
    _damage(src)
    with av.open(src) as container:
        assert sum(1 for _ in container.decode(video=0)) == 60, "a decoder has to tolerate it"
    done = edit(src, tmp_path, 10, 16)
    checks = verify(src, done.out, done.source, done.section, Mode.AUDIO_AND_VIDEO, done.rendered)
    assert not [check for check in checks if not check.passed]
    assert done.rendered.video.action is Action.SMART, done.rendered.video.reason
    if row.resumes:
        assert packets(src, 0)[DAMAGED] == packets(done.out, 0)[DAMAGED]


def _damage(path: Path) -> None:
    """Turn the end of a packet's payload into noise, behind everything that a parser reads."""
    with av.open(path) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    at, size = places[DAMAGED]
    data = bytearray(path.read_bytes())
    for offset in range(at + size - size // 3, at + size):
        data[offset] ^= 0x55
    path.write_bytes(data)
