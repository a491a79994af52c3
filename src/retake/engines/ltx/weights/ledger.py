"""Small JSON files of our own beside the weights, written whole or not at all."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retake.core.errors import StorageFailed


def read_json(path: Path) -> dict[str, Any]:
    """Return what a file of ours holds; nothing where it is not there or damaged."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Let `value` lie at `path`, whole, also when the machine stops meanwhile.

    Raises:
        StorageFailed: The folder cannot be written (``models_dir_unwritable``).
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise unwritable(path.parent, error) from error


def unwritable(folder: Path, error: OSError) -> StorageFailed:
    """Return the error for a folder of weights that nothing can be put into."""
    return StorageFailed(
        "models_dir_unwritable",
        f"the folder {str(folder)!r} cannot be written ({error.strerror}); RETAKE_MODELS_DIR "
        "names another",
        param="RETAKE_MODELS_DIR",
    )


def now() -> str:
    """Return the time of day as it is recorded, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
