"""What is known of one handed-on shot, kept on the disk: after a restart nothing is paid twice."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

NAME = "upstream.json"
"""What a journal's file is called."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How far it has come.

    Attributes:
        base_url: The upstream server.
        model: The model that is asked for.
        idempotency_key: The same for every attempt.
        payload: What is submitted; None before the clip was uploaded.
        request_id: Under which the upstream server knows it; None before it was submitted.
        opens: When the clip's first frame appears, in the shot's seconds, as a fraction.
        ended: Whether nothing more is to come from there.
    """

    base_url: str
    model: str
    idempotency_key: str
    payload: dict[str, Any] | None = None
    request_id: str | None = None
    opens: str = "0"
    ended: bool = False


class Journal:
    """The journal of one shot.

    Args:
        folder: Its own folder, which outlives a restart; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def clip(self) -> Path:
        """Where the clip that is handed on lies while it is needed."""
        return self._folder / "sent.mp4"

    @property
    def answer(self) -> Path:
        """Where the clip that came back lies."""
        return self._folder / "answer.mp4"

    def entry(self, base_url: str, model: str) -> Entry:
        """Return what is known; a new entry when nothing is, or only of another server or model."""
        found = read_entry(self._folder)
        if found is not None and (found.base_url, found.model) == (base_url, model):
            return found
        # Every attempt makes the same: the folder is named after the request and the shot.
        name = f"{self._folder.absolute()} {base_url} {model}"
        return Entry(base_url, model, f"retake-{sha256(name.encode()).hexdigest()[:40]}")

    def known(self) -> Entry | None:
        """Return what is on the disk; None when nothing is."""
        return read_entry(self._folder)

    def keep(self, entry: Entry, **changes: Any) -> Entry:
        """Note how far it has come; returns the entry once it is on the disk."""
        entry = replace(entry, **changes)
        part = self._folder / f".{NAME}.part"
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(entry), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._folder / NAME)
        return entry


def read_entry(folder: Path) -> Entry | None:
    """Return what the journal in a folder knows; None when there is none to be read."""
    try:
        return Entry(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
