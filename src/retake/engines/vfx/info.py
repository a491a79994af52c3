"""What the engine `vfx` is, told without loading anything heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retake import __version__
from retake.core.errors import BadRequest
from retake.engines.engine import EngineInfo, Parameter
from retake.engines.vfx.plan import VISUALS

PAINTER = (
    "vfx paints effects onto the picture, it is no generator: people and things stay as they are."
)

INFO = EngineInfo(
    id="vfx",
    version=__version__,
    display_name="Effects artist",
    description=(
        "Draws simulated effects into the shot, tracked to the camera, and makes their sound and "
        "speech. Runs on any CPU, needs no weights, gives the same result for the same seed."
    ),
    limits=(
        "It is no generator: it adds "
        + ", ".join(VISUALS[:-1])
        + f" and {VISUALS[-1]}, their sounds and speech in one English voice. It cannot add, "
        "remove or move people and things; what it does not understand it says."
    ),
    parameters=(
        Parameter(
            name="keep_sound",
            type="string",
            description=(
                "Whether the source's own sound stays audible beneath the new one: `auto` keeps it "
                "where the picture is replaced too."
            ),
            default="auto",
            options=("auto", "yes", "no"),
        ),
        Parameter(
            name="strict",
            type="boolean",
            description="Refuse a prompt that holds something the engine cannot do.",
            default=False,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The engine's own parameters, checked. `keep_sound` is None for `auto`."""

    keep_sound: bool | None = None
    strict: bool = False


def check_options(options: Mapping[str, Any]) -> Options:
    """Return the options as values.

    Raises:
        BadRequest: An option is unknown, of the wrong type or out of range.
    """
    known = [parameter.name for parameter in INFO.parameters]
    for name in options:
        if name not in known:
            raise BadRequest(
                "unknown_option",
                f"options holds {str(name)[:40]!r}; {INFO.id} accepts {' and '.join(known)}",
                param="options",
            )
    keep = options.get("keep_sound", "auto")
    if keep not in ("auto", "yes", "no"):
        raise BadRequest(
            "unknown_keep_sound",
            f"options.keep_sound is {str(keep)[:40]!r}; accepted is one of auto, yes, no",
            param="options",
        )
    strict = options.get("strict", False)
    if not isinstance(strict, bool):
        raise BadRequest(
            "wrong_type",
            f"options.strict is {str(strict)[:40]!r}; accepted is true or false",
            param="options",
        )
    return Options(keep_sound=None if keep == "auto" else keep == "yes", strict=strict)
