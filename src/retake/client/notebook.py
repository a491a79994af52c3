"""What a notebook shows of a result. Everything that others wrote is escaped."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retake.client.files import File
    from retake.client.results import Request

MOST_INLINE_BYTES = 32 * 1024 * 1024
"""A larger video is not copied into the notebook; its address stands there instead."""

_SHOWN_TYPES = ("video/", "image/")


def file_html(file: File) -> str:
    """Return the file as something that can be seen, with its place and size below."""
    where = str(file.path) if file.path is not None else "in memory"
    caption = f"<small>{escape(where)}, {file.size} bytes</small>"
    kind = file.media_type or ""
    if not kind.startswith(_SHOWN_TYPES) or file.size > MOST_INLINE_BYTES:
        return f"<div>{caption}</div>"
    try:
        content = base64.b64encode(file.read()).decode("ascii")
    except OSError:
        return f"<div>{caption} (no longer there)</div>"
    return f"<div>{_element(f'data:{kind};base64,{content}', kind)}<br>{caption}</div>"


def request_html(request: Request) -> str:
    """Return a request as a small table; its video where that has only an address."""
    rows = {
        "request": request.id,
        "status": request.status,
        "engine": request.engine,
        "seed": request.seed,
        "error": request.error,
    }
    table = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
        if value is not None
    )
    told = [*request.warnings, *request.notes]
    notes = "".join(f"<li>{escape(each)}</li>" for each in told)
    url = request.outcome.video_url if request.outcome else None
    # A script's address would run in the notebook.
    shown = _element(url, "video/") if url and url.startswith(("http://", "https://")) else ""
    return f"<div>{shown}<table>{table}</table>{f'<ul>{notes}</ul>' if notes else ''}</div>"


def _element(address: str, kind: str) -> str:
    source = escape(address, quote=True)
    if kind.startswith("image/"):
        return f'<img src="{source}" style="max-width:100%">'
    return f'<video src="{source}" controls loop style="max-width:100%"></video>'
