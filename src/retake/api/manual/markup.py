"""Markdown to HTML: headings and table rows can be linked to, links between pages work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|/|#")
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def to_html(text: str, folder: str = "") -> str:
    """Return Markdown as HTML.

    A heading's id is what GitHub makes of it; a table row that begins with ``code`` has that as its
    id. What it links to in the same folder, ``errors.md``, becomes ``/docs/errors``.

    Args:
        text: The Markdown; HTML in it is shown as it stands.
        folder: Where the page lies below docs, such as ``decisions``.
    """
    tokens = _markdown.parse(text)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slug(_plain(tokens[at + 1])))
        elif token.type == "tr_open" and (code := _leading_code(tokens[at + 1 : at + 3])):
            token.attrSet("id", code)
        for child in token.children or ():
            _relink(child, folder)
    return _markdown.renderer.render(tokens, _markdown.options, {})


def slug(text: str) -> str:
    """Return what a heading is linked to by."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")


def to_text(html: object) -> str:
    """Return a value as text that stands in HTML as it is, also between quotes."""
    return escape(str(html), quote=True)


def _plain(token: Token) -> str:
    return "".join(child.content for child in token.children or ())


def _leading_code(tokens: Sequence[Token]) -> str:
    match tokens:
        case [Token(type="td_open"), Token(type="inline", children=[first])]:
            return first.content if first.type == "code_inline" else ""
        case _:
            return ""


def _relink(token: Token, folder: str) -> None:
    name = {"link_open": "href", "image": "src"}.get(token.type)
    target = str(token.attrGet(name)) if name else ""
    if not name or _OUTSIDE.match(target):
        return
    url = urlsplit(target)
    steps = [step for step in folder.split("/") if step]
    for step in url.path.split("/"):
        if step != "..":
            steps.append(step)
        elif steps:
            steps.pop()
        else:
            # What lies beside the docs is not given out: the first page stands for it.
            token.attrSet(name, "/docs")
            return
    path = "/".join(steps).removesuffix(".md")
    token.attrSet(name, f"/docs/{path}" + (f"#{url.fragment}" if url.fragment else ""))
