"""The engine warms up in a thread of its own while the first request may already be drawn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from retake.engines.vfx.scene.matte import PersonMatte


def test_several_threads_may_look_for_people_at_once():
    frames = np.random.default_rng(1).integers(0, 255, (40, 144, 256, 3), np.uint8)

    def look(_: int) -> int:
        people = PersonMatte(256, 144)
        for frame in frames:
            people.add(frame)
        return len(people._mattes)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(look, range(4))) == [40] * 4
