"""Small upright pictures of a video's frames, for people to look at."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from retake.core.request import Limits
from retake.core.section import Section
from retake.core.source import Source, VideoStream
from retake.core.watch import Watch
from retake.media.colour import FULL_RANGE, STUDIO_RANGE, matrix_of
from retake.media.decode import Beat, decode_frames, no_beat
from retake.media.probe import probe
from retake.media.saving import saved_whole

_ANY = Limits(max_seconds=Fraction(10**6), max_long_side=16384, max_short_side=16384)


def stills(
    path: Path,
    source: Source,
    numbers: Collection[int],
    box: tuple[int, int],
    beat: Beat = no_beat,
) -> dict[int, Image.Image]:
    """Return chosen frames as small pictures, decoded in one go.

    Args:
        path: The file that `source` describes.
        source: What is in it.
        numbers: Which frames, by their number in display order.
        box: Most width and height of a picture.
        beat: Called for every packet.
    """
    first = min(numbers)
    wanted = set(numbers)
    frames = decode_frames(path, source, first, max(numbers) + 1, beat=beat)
    return {
        number: _small(frame, source.video, box)
        for number, frame in enumerate(frames, start=first)
        if number in wanted
    }


def fitted_size(video: VideoStream, box: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of the largest upright picture of the stream's shape in a box."""
    width, height = video.upright_size
    shape = Fraction(width, height)
    aspect = video.sample_aspect_ratio
    shape *= 1 / aspect if video.rotation % 180 else aspect
    scale = min(Fraction(box[0]) / shape, Fraction(box[1]))
    return max(round(scale * shape), 1), max(round(scale), 1)


def thumbnail(out: Path, section: Section, dst: Path, watch: Watch | None = None) -> None:
    """Write one picture of a finished file's section as a JPEG, at most 640 pixels wide.

    It is taken from a third of the section on, where most of what happens has begun.

    Raises:
        BadSource: The file cannot be decoded.
        StorageFailed: The picture cannot be written.
        Cancelled: The watch was cancelled.
    """
    source = probe(out, _ANY)
    number = section.frames.start + len(section.frames) // 3
    picture = stills(out, source, [number], (640, 640), (watch or Watch()).check)[number]
    with saved_whole(dst) as part:
        picture.save(part, "JPEG", quality=88)


def _small(frame: av.VideoFrame, video: VideoStream, box: tuple[int, int]) -> Image.Image:
    width, height = fitted_size(video, box)
    turned = video.rotation % 180 != 0
    small = frame.reformat(
        width=height if turned else width,
        height=width if turned else height,
        format="rgb24",
        src_colorspace=matrix_of(video),
        dst_colorspace=matrix_of(video),
        src_color_range=FULL_RANGE if video.colour.full_range else STUDIO_RANGE,
        dst_color_range=FULL_RANGE,
        interpolation="AREA",
    ).to_ndarray()
    return Image.fromarray(np.ascontiguousarray(np.rot90(small, -video.rotation // 90)))
