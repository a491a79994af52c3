"""What the model vendor's clients send, in the words of a submit."""

from __future__ import annotations

from typing import Any

from retake.api.catalogue import ModelInfo
from retake.api.errors import Refusal
from retake.core.errors import BadRequest, wrong_type

VENDOR_MODELS = ("ltx-2-pro", "ltx-2-fast", "ltx-2-3-pro", "ltx-2-3-fast")
"""The vendor's names for what this instance's default engine answers here."""
RESOLUTIONS = ("1920x1080", "1080x1920")
_OF_RESOLUTION = "resolution was ignored: the result keeps the size of the source"


def submit_of(
    body: dict[str, Any], models: tuple[ModelInfo, ...]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the submit that a vendor's body means, and what of it is not followed.

    All other keys go into the payload as they are, but a webhook beside it: our own further
    parameters may be sent too.

    Raises:
        BadRequest: ``model`` or ``resolution`` is of the wrong type, or no resolution there is.
        Refusal: There is no such model (404).
    """
    beside = {name: value for name, value in body.items() if name.startswith("webhook")}
    apart = {"model", "resolution", *beside}
    payload = {name: value for name, value in body.items() if name not in apart}
    ignored = (_OF_RESOLUTION,) if _resolution(body.get("resolution")) else ()
    return {"model": _model(body.get("model"), models), "payload": payload, **beside}, ignored


def _model(sent: object, models: tuple[ModelInfo, ...]) -> str:
    if sent is None or sent in VENDOR_MODELS:
        return models[0].model_id
    if not isinstance(sent, str):
        raise wrong_type("model", sent, "the id of a model")
    if any(model.model_id == sent for model in models):
        return sent
    accepted = ", ".join([*VENDOR_MODELS, *(model.model_id for model in models)])
    raise Refusal(
        "unknown_model",
        f"model {sent[:80]} does not exist; accepted is one of {accepted}",
        param="model",
    )


def _resolution(sent: object) -> bool:
    if sent is None:
        return False
    accepted = f"one of {', '.join(RESOLUTIONS)}"
    if not isinstance(sent, str):
        raise wrong_type("resolution", sent, accepted)
    if sent not in RESOLUTIONS:
        raise BadRequest(
            "unknown_resolution",
            f"resolution is {sent[:40]!r}; accepted is {accepted}",
            param="resolution",
        )
    return True
