"""How bright pictures are meant (HDR10): read off a source, told to an encoder.

Formats: FFmpeg's AVMasteringDisplayMetadata and AVContentLightMetadata; SMPTE ST 2086, CTA-861.3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.sidedata.sidedata import Type

from retake.media.opening import open_source
from retake.media.pictures.recipe import Recipe

_DISPLAY = struct.Struct("=20i2I")
_LEVELS = struct.Struct("=2I")
_NAMES = ("R", "G", "B", "WP")
_ORDER = ("G", "B", "R", "WP")
# H.265 and H.264 count chromaticities in 1/50000 and candelas in 1/10000, AV1 in plain numbers.
_COUNTED = {"libx265": (50_000, 10_000), "libx264": (50_000, 10_000), "libsvtav1": (1, 1)}
_OPTIONS = {
    "libx265": ("x265-params", "master-display", "max-cll"),
    "libx264": ("x264-params", "mastering-display", "cll"),
    "libsvtav1": ("svtav1-params", "mastering-display", "content-light"),
}


@dataclass(frozen=True, slots=True)
class Light:
    """What a source says about the light of its pictures.

    Attributes:
        points: Chromaticities x and y of the mastering display's R, G, B and white (WP).
        range: The display's brightest and darkest white, in candelas per square metre.
        levels: The brightest pixel, and the brightest average of a picture, in the same unit.
    """

    points: dict[str, tuple[Fraction, Fraction]] | None = None
    range: tuple[Fraction, Fraction] | None = None
    levels: tuple[int, int] | None = None


def light_of(picture: av.VideoFrame) -> Light:
    """Return what a decoded picture says, whichever codec or container said it."""
    light = Light()
    told: Any = picture.side_data
    for data in told:
        if data.type == Type.MASTERING_DISPLAY_METADATA and data.buffer_size >= _DISPLAY.size:
            light = _with_display(light, bytes(data))
        elif data.type == Type.CONTENT_LIGHT_LEVEL and data.buffer_size >= _LEVELS.size:
            brightest, average = _LEVELS.unpack_from(bytes(data))
            light = replace(light, levels=(brightest, average))
    return light


def light_in(path: Path, stream: int) -> Light:
    """Return what a file's stream of pictures says at its beginning; nothing where that is damaged.

    Args:
        path: The file.
        stream: Index of the stream in it.
    """
    try:
        with open_source(path) as container:
            pictures: Any = container.decode(container.streams[stream])
            picture: av.VideoFrame | None = next(pictures, None)
    except av.error.FFmpegError:
        return Light()
    return Light() if picture is None else light_of(picture)


def lit(recipe: Recipe, light: Light) -> Recipe:
    """Return how to encode so that the stream says the same; as before where it has no words."""
    if recipe.encoder not in _OPTIONS:
        return recipe
    option, display, levels = _OPTIONS[recipe.encoder]
    said: list[str] = []
    if light.points and light.range:
        said.append(f"{display}={_display(light.points, light.range, *_COUNTED[recipe.encoder])}")
    if light.levels:
        said.append("{}={},{}".format(levels, *light.levels))
    if not said:
        return recipe
    before = recipe.options.get(option)
    parameters = ":".join([before, *said] if before else said)
    return replace(recipe, options={**recipe.options, option: parameters})


def _with_display(light: Light, data: bytes) -> Light:
    *numbers, has_points, has_range = _DISPLAY.unpack_from(data)
    if not all(numbers[1::2]):
        return light
    values = [Fraction(up, down) for up, down in zip(numbers[::2], numbers[1::2], strict=True)]
    if has_points:
        pairs = zip(values[0:8:2], values[1:8:2], strict=True)
        light = replace(light, points=dict(zip(_NAMES, pairs, strict=True)))
    if has_range:
        light = replace(light, range=(values[9], values[8]))
    return light


def _display(
    points: dict[str, tuple[Fraction, Fraction]],
    brightness: tuple[Fraction, Fraction],
    per_point: int,
    per_candela: int,
) -> str:
    def count(value: Fraction, unit: int) -> str:
        return str(round(value * unit)) if unit > 1 else f"{float(value):.6f}"

    def pair(values: tuple[Fraction, Fraction], unit: int) -> str:
        return ",".join(count(value, unit) for value in values)

    places = "".join(f"{name}({pair(points[name], per_point)})" for name in _ORDER)
    return f"{places}L({pair(brightness, per_candela)})"
