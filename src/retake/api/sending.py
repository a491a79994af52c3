"""What a file is called when it is sent: after its source, whatever its stored name is."""

from __future__ import annotations

import unicodedata
from pathlib import PurePath
from urllib.parse import quote

from retake.api.parts import ApiParts

_CALLED = {"video": "retake", "thumbnail": "poster"}
"""Roles of results that people know under another name."""
_PLAIN = "!#$&+-.^_`|~"
"""What RFC 8187 lets stand, beside letters and digits."""


async def shown_name(parts: ApiParts, name: str) -> str:
    """Return what a browser saves a stored file under: ``My holiday-retake.mp4``."""
    kind, owner, *_ = [*name.split("/"), ""]
    stored = PurePath(name)
    if kind == "uploads":
        upload = parts.uploads.find(owner, stored.stem)
        return (upload.file_name if upload else None) or stored.name
    if kind != "outputs":
        return stored.name
    held = await parts.requests.results.held(owner)
    title = held.title if held is not None else None
    if title is None:
        return f"retake-{owner[:8]}-{stored.name}"
    # The role stands first, before anything that tells one take from another.
    role, dash, rest = stored.stem.partition("-")
    return f"{title}-{_CALLED.get(role, role)}{dash}{rest}{stored.suffix}"


def disposition(name: str, *, saved: bool) -> str:
    """Return the header ``Content-Disposition`` (RFC 6266) for a file of that name.

    Clients that do not know `filename*` get the name without what ASCII lacks.

    Args:
        name: What it is called; any characters but controls.
        saved: Whether it is to be saved rather than shown.
    """
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    bare = " ".join("".join("_" if c in '"\\%' else c for c in bare).split())
    if bare.startswith((".", "-")):
        bare = f"video{bare}"
    way = "attachment" if saved else "inline"
    extended = f"; filename*=UTF-8''{quote(name, safe=_PLAIN)}" if bare != name else ""
    return f'{way}; filename="{bare}"{extended}'
