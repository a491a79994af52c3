"""What a file is called for people: names from outside, made safe to be shown and saved under."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote, urlsplit

MAX_TITLE = 80
_RESERVED = re.compile(r'[<>:"/\\|?*]+')
_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def file_title(name: str | None) -> str | None:
    """Return a file's name as it may be shown, its folders left out; None where nothing is left.

    What some system cannot have in a name is replaced; what is not seen (controls, marks that turn
    the direction of writing) is left out; at most `MAX_TITLE` characters remain.
    """
    if not name:
        return None
    last = re.split(r"[/\\]", name[:4096])[-1]
    seen = "".join(
        c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c) not in _NOT_SHOWN
    )
    plain = " ".join(_RESERVED.sub("_", seen).split()).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    if dot and stem and len(ending) <= 8:
        plain = f"{stem[: MAX_TITLE - len(ending) - 1].rstrip('. ')}.{ending}"
    return plain[:MAX_TITLE].rstrip(". ") or None


def title_from_uri(uri: str) -> str | None:
    """Return the title of the file at a URL: its last part's name without the ending."""
    try:
        path = urlsplit(uri).path
    except ValueError:
        return None
    return without_ending(file_title(unquote(path)))


def without_ending(name: str | None) -> str | None:
    """Return a file's name without its ending."""
    if name is None:
        return None
    stem, dot, ending = name.rpartition(".")
    return stem if dot and stem and len(ending) <= 8 else name
