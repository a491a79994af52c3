"""The models that can be asked for: what each accepts, and what the wire tells of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from retake.api.errors import Refusal
from retake.core.containers import AUDIO_CODECS, CONTAINERS, VIDEO_CODECS
from retake.core.errors import BadRequest
from retake.core.request import DEFAULT_DURATION, DEFAULT_START, MAX_SEED, Limits, Mode
from retake.core.sections import MAX_SECTIONS
from retake.core.takes import MAX_TAKES, Pick

if TYPE_CHECKING:
    # Only its types are wanted: the engines' module loads numpy.
    from retake.engines.engine import EngineInfo, Parameter

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "enum": (str, int, float),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "float": (int, float),
}


_FORM = (
    ("container", "Container of the result", CONTAINERS),
    ("video_codec", "Codec of the result's pictures", VIDEO_CODECS),
    ("audio_codec", "Codec of the result's edited track of sound", AUDIO_CODECS),
)


@dataclass(frozen=True)
class ModelInfo:
    """One model id and the engine that answers it.

    `created_at` is Unix time in whole seconds.
    """

    model_id: str
    engine: EngineInfo
    limits: Limits = field(default_factory=Limits)
    created_at: int = 1763856000

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Let pass what the engine's own description allows.

        Raises:
            BadRequest: An option is unknown, of the wrong type or out of range.
        """
        known = {parameter.name: parameter for parameter in self.engine.parameters}
        for name, value in options.items():
            if name not in known:
                accepted = ", ".join(known) or "no options at all"
                raise BadRequest(
                    "unknown_option",
                    f"the option {name[:40]!r} is unknown; {self.engine.id} accepts {accepted}",
                    param=f"options.{name[:40]}",
                )
            _check_option(known[name], value)

    def to_json(self) -> dict[str, Any]:
        """Return the model detail in the hosted API's words."""
        return {
            "model": self.model_id,
            "display_name": self.engine.display_name,
            "brief_description": self.engine.description,
            "detailed_description": _detailed(self.engine),
            "modalities": {"input": ["text", "video"], "output": ["video"]},
            "model_type": "video",
            "host_type": "internal",
            "tags": ["video-to-video", "retake", self.engine.id],
            "org_id": "",
            "icon_link": "",
            "background_image_url": "",
            "qworkers": 1,
            "created_at": self.created_at,
            "updated_at": self.created_at,
            "price_info": {"price": 0, "pricing_type": "free", "unit": "request"},
            "pricing_details": "",
            "engine": {"id": self.engine.id, "version": self.engine.version},
            "parameters": [*_wire_parameters(self.limits), *map(_option, self.engine.parameters)],
        }


def find_model(models: tuple[ModelInfo, ...], model_id: str) -> ModelInfo:
    """Return the model of that id.

    Raises:
        Refusal: There is none (404).
    """
    for model in models:
        if model.model_id == model_id:
            return model
    # The sentence is the hosted API's: clients look for it.
    raise Refusal("unknown_model", f"model {model_id[:80]} does not exist", param="model")


def _check_option(parameter: Parameter, value: Any) -> None:
    kinds = _TYPES.get(parameter.type)
    if kinds is None:
        return
    param = f"options.{parameter.name}"
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise BadRequest(
            "wrong_type",
            f"{param} is {str(value)[:40]!r}; accepted is a value of type {parameter.type}",
            param=param,
        )
    if parameter.options is not None and value not in parameter.options:
        accepted = ", ".join(map(str, parameter.options))
        raise BadRequest(
            "option_out_of_range",
            f"{param} is {str(value)[:40]!r}; accepted is one of {accepted}",
            param=param,
        )
    low = -math.inf if parameter.min_value is None else parameter.min_value
    high = math.inf if parameter.max_value is None else parameter.max_value
    if isinstance(value, int | float) and not low <= value <= high:
        raise BadRequest(
            "option_out_of_range",
            f"{param} is {value}; accepted is {low:g} to {high:g}",
            param=param,
        )


def _detailed(engine: EngineInfo) -> str:
    return (
        f"## {engine.display_name}\n\n{engine.description}\n\n**Limits.** {engine.limits}\n\n"
        "A section of the video, `start_time` + `duration`, is made anew; everything else is kept."
    )


def _wire_parameters(limits: Limits) -> list[dict[str, Any]]:
    longest = f"at most {float(limits.max_seconds):g} s"
    largest = f"{limits.max_long_side}x{limits.max_short_side}"
    return [
        _parameter(
            "video_uri", "string", f"URL of the video: {longest} and {largest}", required=True
        ),
        _parameter(
            "start_time",
            "float",
            "Where the section starts, in seconds",
            required=True,
            default=float(DEFAULT_START),
            min_value=0,
            max_value=float(limits.max_seconds),
        ),
        _parameter(
            "duration",
            "float",
            "How long the section is, in seconds",
            required=True,
            default=float(DEFAULT_DURATION),
            min_value=float(limits.min_section),
            max_value=float(limits.max_seconds),
        ),
        _parameter("prompt", "string", "What should happen in the section", default=""),
        _parameter(
            "mode",
            "enum",
            "What is replaced in the section",
            default=str(Mode.AUDIO_AND_VIDEO),
            options=[str(mode) for mode in Mode],
        ),
        _parameter(
            "seed",
            "integer",
            "Draws what is left to chance; drawn itself when it is not given",
            min_value=0,
            max_value=MAX_SEED,
        ),
        _parameter(
            "takes",
            "integer",
            "How many results are made, each with a seed of its own",
            default=1,
            min_value=1,
            max_value=MAX_TAKES,
        ),
        _parameter(
            "seeds", "array", f"The seeds of up to {MAX_TAKES} results, in the place of takes"
        ),
        _parameter(
            "pick",
            "enum",
            "Which of several results comes first: the first one made, or the one whose seams "
            "score best",
            default=str(Pick.FIRST),
            options=[str(pick) for pick in Pick],
        ),
        _parameter(
            "sections",
            "array",
            f"Up to {MAX_SECTIONS} sections edited in one result, in the place of start_time and "
            "duration: objects of start_time, duration and, where they differ, prompt, mode, seed",
        ),
        _parameter(
            "audio_track",
            "string",
            "The track of sound that is edited: its number from 1, or its language; "
            "the file's default one when it is not given",
        ),
        *(
            _parameter(name, "enum", f"{what}; the source's when it is not given", options=[*known])
            for name, what, known in _FORM
        ),
    ]


def _parameter(
    name: str, kind: str, description: str, *, required: bool = False, **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "display_name": name.replace("_", " ").replace(".", ": ").capitalize(),
        "description": description,
        "type": kind,
        "required": required,
        **more,
    }


def _option(option: Parameter) -> dict[str, Any]:
    more: dict[str, Any] = {
        "default": option.default,
        "options": None if option.options is None else list(option.options),
        "min_value": option.min_value,
        "max_value": option.max_value,
    }
    told = {name: value for name, value in more.items() if value is not None}
    return _parameter(f"options.{option.name}", option.type, option.description, **told)
