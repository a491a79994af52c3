"""What the engine `ltx` is and which options it takes, told without loading anything heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from retake import __version__
from retake.core.errors import BadRequest
from retake.engines.engine import EngineInfo, Parameter

ID = "ltx"

MAX_STEPS = 100
MAX_HANDLE_S = 5
LONGEST_NEGATIVE = 4000

_NUMBERS = (
    Parameter(
        name="num_inference_steps",
        type="integer",
        description="Denoising steps; 8 with the preset fast, 30 with quality, unless given.",
        min_value=1,
        max_value=MAX_STEPS,
    ),
    Parameter(
        name="guidance_scale",
        type="number",
        description="How strongly the picture follows the prompt; 1 is no guidance.",
        min_value=1,
        max_value=20,
    ),
    Parameter(
        name="audio_guidance_scale",
        type="number",
        description="The same for the sound.",
        min_value=1,
        max_value=20,
    ),
    Parameter(
        name="stg_scale",
        type="number",
        description="Spatio-temporal guidance, against pictures that fall apart; 0 is none.",
        min_value=0,
        max_value=5,
    ),
    Parameter(
        name="modality_scale",
        type="number",
        description="How strongly picture and sound follow each other; 1 is no guidance.",
        min_value=1,
        max_value=10,
    ),
    Parameter(
        name="guidance_rescale",
        type="number",
        description="How far guided values are scaled back to unguided ones' spread.",
        min_value=0,
        max_value=1,
    ),
    Parameter(
        name="handle_s",
        type="number",
        description="Seconds of the source on either side that the model sees, where there are.",
        default=1.0,
        min_value=0,
        max_value=MAX_HANDLE_S,
    ),
)

INFO = EngineInfo(
    id=ID,
    version=__version__,
    # The option's largest, and seven frames with which the section begins with a latent.
    handle_s=MAX_HANDLE_S + Fraction(1, 3),
    display_name="LTX-2",
    description=(
        "Generates the section's pictures and sound together from the prompt, joined to what is "
        "kept on either side: replace_video follows the kept sound, replace_audio the kept "
        "picture. Needs weights, and a GPU for real sizes."
    ),
    limits=(
        "It sees the section and its handles, not the rest of the video. It makes stereo sound; "
        "a voice made anew is not the speaker's own. The same seed gives the same result on one "
        "type of device."
    ),
    parameters=(
        Parameter(
            name="preset",
            type="string",
            description=(
                "`fast`: eight steps without guidance, for distilled weights; `quality`: thirty "
                "guided steps, for full ones. What the weights are made for unless given."
            ),
            options=("fast", "quality"),
        ),
        Parameter(
            name="negative_prompt",
            type="string",
            description="What should not be there; read by the preset quality alone.",
        ),
        Parameter(
            name="loras",
            type="string",
            description=(
                "LoRAs of this instance by name, each with a strength where it is not 1: "
                "`grain:0.8, dolly-in`; an empty text is none. Other ones load the weights anew."
            ),
        ),
        Parameter(
            name="decoder",
            type="string",
            description=(
                "What decodes the pictures: `vae`, or LTX-2.5's `diffusion` decoder, which takes "
                "far more memory and noise of its own."
            ),
            default="vae",
            options=("vae", "diffusion"),
        ),
        Parameter(
            name="upscale",
            type="string",
            description=(
                "Whether pictures are made at half of the size first, then doubled and refined: "
                "`auto`, from a megapixel on; `never`; `always`. Distilled weights with an "
                "upsampler can."
            ),
            default="auto",
            options=("auto", "never", "always"),
        ),
        Parameter(
            name="enhance_prompt",
            type="boolean",
            description=(
                "Let the text encoder's own language model say the prompt at more length; what it "
                "made of it is in the notes. Up to LTX-2.3."
            ),
            default=False,
        ),
        *_NUMBERS,
    ),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The engine's own parameters, checked; None leaves it to the preset or the weights."""

    preset: Literal["fast", "quality"] | None = None
    negative_prompt: str | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    audio_guidance_scale: float | None = None
    stg_scale: float | None = None
    modality_scale: float | None = None
    guidance_rescale: float | None = None
    loras: str | None = None
    handle_s: Fraction = Fraction(1)
    decoder: Literal["vae", "diffusion"] = "vae"
    upscale: Literal["auto", "never", "always"] = "auto"
    enhance_prompt: bool = False


def check_options(options: Mapping[str, Any]) -> Options:
    """Return the options as values.

    Raises:
        BadRequest: An option is unknown, of the wrong type or out of range.
    """
    given = {name: value for name, value in options.items() if value is not None}
    known = [parameter.name for parameter in INFO.parameters]
    for name in given:
        if name not in known:
            raise BadRequest(
                "unknown_option",
                f"options holds {str(name)[:40]!r}; {ID} accepts {', '.join(known)}",
                param="options",
            )
    preset = _choice("preset", given.pop("preset", None), ("fast", "quality"))
    decoder = _choice("decoder", given.pop("decoder", "vae"), ("vae", "diffusion"))
    upscale = _choice("upscale", given.pop("upscale", "auto"), ("auto", "never", "always"))
    enhance = given.pop("enhance_prompt", False)
    if not isinstance(enhance, bool):
        raise BadRequest(
            "wrong_type",
            f"options.enhance_prompt is {_found(enhance)}; accepted is true or false",
            param="options",
        )
    negative, loras = (_text(name, given.pop(name, None)) for name in ("negative_prompt", "loras"))
    numbers = {one.name: _number(one, given[one.name]) for one in _NUMBERS if one.name in given}
    handle = numbers.pop("handle_s", 1.0)
    return Options(
        preset,
        negative,
        handle_s=Fraction(str(handle)),
        loras=loras,
        decoder=decoder,
        upscale=upscale,
        enhance_prompt=enhance,
        **numbers,
    )


def _choice(name: str, value: object, accepted: tuple[str, ...]) -> Any:
    if value is None or value in accepted:
        return value
    raise BadRequest(
        "option_out_of_range",
        f"options.{name} is {_found(value)}; accepted is {' or '.join(accepted)}",
        param="options",
    )


def _text(name: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and len(value) <= LONGEST_NEGATIVE):
        return value
    raise BadRequest(
        "wrong_type",
        f"options.{name} is {_found(value)}; accepted is a text of at most {LONGEST_NEGATIVE} "
        "characters",
        param="options",
    )


def _number(parameter: Parameter, value: object) -> Any:
    whole = parameter.type == "integer"
    accepted = (int,) if whole else (int, float)
    low, high = parameter.min_value or 0, parameter.max_value or 0
    # NaN passes no comparison, so it is refused here too.
    if isinstance(value, bool) or not isinstance(value, accepted) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise BadRequest(
            "option_out_of_range",
            f"options.{parameter.name} is {_found(value)}; accepted is {kind} from {low:g} to "
            f"{high:g}",
            param="options",
        )
    return value if whole else float(value)


def _found(value: object) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}"
