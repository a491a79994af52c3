"""H.264 frames that have to be encoded again beside the section: hardly changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from retake.core.report import Action
from retake.media.proof.planes import frame_psnr, same_samples
from tests.media.takes import edit

FORMATS = ["yuv420p", "yuv422p10le", "yuv444p"]


@pytest.fixture(scope="module", params=FORMATS)
def grainy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise all over the picture, which encoders are quick to throw away."""
    path = tmp_path_factory.mktemp("grainy") / "grainy.mp4"
    rng = np.random.default_rng(3)
    with av.open(path, "w") as out:
        options = {"preset": "veryfast", "crf": "20", "x264-params": "scenecut=0"}
        video: Any = out.add_stream("libx264", rate=24, options=options)
        video.width, video.height, video.pix_fmt, video.gop_size = 320, 176, request.param, 24
        for number in range(72):
            noise = rng.integers(70, 140, (176, 320, 3)) + number
            frame = av.VideoFrame.from_ndarray(noise.astype(np.uint8), "rgb24")
            frame = frame.reformat(format=request.param)
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def test_pads_stay_as_they_are_within_49_db(grainy: Path, tmp_path: Path):
    made = edit(grainy, tmp_path, 27, 37)
    assert made.rendered.video.action is Action.SMART
    likeness: list[float] = []
    with av.open(made.src) as source, av.open(made.out) as out:
        both = zip(source.decode(video=0), out.decode(video=0), strict=True)
        for number, (a, b) in enumerate(both):
            if number not in made.section.frames and not same_samples(a, b):
                likeness.append(frame_psnr(a, b))
    assert made.rendered.video.frames_reencoded == len(likeness)
    assert min(likeness) >= 49
