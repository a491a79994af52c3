"""Licences of weights: their text, and the record of who accepted which, and when.

Nothing is fetched before a licence was accepted, and a text that has changed since has to be
accepted anew. The record lies beside the weights and goes with them to other machines.
"""

from __future__ import annotations

import getpass
import hashlib
from pathlib import Path
from typing import Any

from retake.core.errors import BadRequest
from retake.engines.ltx.weights.catalogue import Licence, Model
from retake.engines.ltx.weights.ledger import now, read_json, write_json

_FILE = "licences.json"


def accepted(models_dir: Path, licence: Licence, text: str | None) -> dict[str, Any] | None:
    """Return the record of a licence's acceptance; None where there is none for this very text.

    Args:
        models_dir: Folder of the weights.
        licence: Which one.
        text: As the hub has it now; None where it could not be read.
    """
    record = read_json(models_dir / _FILE).get(licence.name)
    if not isinstance(record, dict) or record.get("date") != licence.date:
        return None
    known = record.get("text_sha256")
    same = text is None or known is None or known == _digest(text)
    return record if same else None


def accept(models_dir: Path, licence: Licence, text: str | None) -> dict[str, Any]:
    """Record that a licence was accepted now, and return the record.

    Raises:
        StorageFailed: The folder cannot be written.
    """
    record = {
        "licence": licence.name,
        "date": licence.date,
        "text_url": licence.text_url,
        "text_sha256": None if text is None else _digest(text),
        "accepted_at": now(),
        "accepted_by": _who(),
    }
    write_json(models_dir / _FILE, {**read_json(models_dir / _FILE), licence.name: record})
    return record


def not_accepted(model: Model) -> BadRequest:
    """Return the error for a licence that nobody has accepted."""
    licence = model.licence
    return BadRequest(
        "licence_not_accepted",
        f"{model.name} stands under the {licence.name} of {licence.date}, which nobody here has "
        f"accepted; read it at {licence.text_url}, then `retake models pull {model.name} "
        "--accept-license`",
        param="accept_license",
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
