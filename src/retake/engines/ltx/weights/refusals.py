"""What the hub's client reports, in our words and with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from retake.core.errors import FetchFailed, RetakeError
from retake.engines.ltx.weights.catalogue import Model
from retake.engines.ltx.weights.ledger import unwritable


def told(error: Exception, model: Model) -> RetakeError:
    """Return the client's error in our words, with what to do about it."""
    from huggingface_hub import errors as hub_errors

    if isinstance(error, RetakeError):
        return error
    again = f"`retake models pull {model.name}` goes on where it stopped"
    # What went wrong may be wrapped: the client says "cannot find it locally" for most of it.
    chain = list(_causes(error))
    status = next((s for s in map(_status, chain) if s is not None), None)
    if any(isinstance(one, hub_errors.OfflineModeIsEnabled) for one in chain):
        return FetchFailed(
            "hub_offline",
            f"HF_HUB_OFFLINE is set, so {model.repository} cannot be fetched; unset it, or bring "
            "the folder here and type `retake models add FOLDER`",
        )
    if any(isinstance(one, hub_errors.GatedRepoError) for one in chain) or status in (401, 403):
        return _gated(model)
    if any(isinstance(one, hub_errors.RevisionNotFoundError) for one in chain) or status == 404:
        return FetchFailed(
            "weights_not_found",
            f"the hub has no such file or revision of {model.repository} any more; "
            f"{model.page} says what became of it",
        )
    if isinstance(error, OSError) and error.errno is not None and status is None:
        return unwritable(Path(error.filename or "."), error)
    found = f"it answered {status}" if status else f"{type(chain[-1]).__name__}"
    return FetchFailed(
        "hub_unreachable",
        f"{model.repository} cannot be fetched from the hub ({found}); {again}",
        retryable=True,
    )


def _gated(model: Model) -> FetchFailed:
    from huggingface_hub import get_token

    ask = f"ask for access at {model.page}"
    if get_token() is None:
        return FetchFailed(
            "weights_gated",
            f"{model.repository} is given only to those who asked, and no token is set; {ask}, "
            "make a token at https://huggingface.co/settings/tokens, then `hf auth login` or "
            "HF_TOKEN=…, and pull again",
        )
    return FetchFailed(
        "weights_gated",
        f"the hub does not let your token read {model.repository}; {ask} with the account it "
        "belongs to, and let the token read gated repositories",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None)
