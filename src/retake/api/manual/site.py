"""A page of the docs as a whole HTML document: the way round, then the text."""

from __future__ import annotations

from retake.api.manual.markup import to_html, to_text
from retake.api.manual.shelf import Page, page, pages
from retake.api.openapi import openapi_document

INDEX, REFERENCE = "", "reference"

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/manual.css">
</head>
<body>
<a class="skip" href="#text">To the text</a>
<header><a class="brand" href="/"><img src="/favicon.svg" alt="">retake</a><a href="/docs">Docs</a></header>
<div class="columns">
<nav aria-label="Docs"><ul>{way}</ul></nav>
<main id="text">{text}</main>
</div>
</body>
</html>
"""  # noqa: E501 - HTML reads better in one piece


def site(name: str, prefix: str) -> str | None:
    """Return a page as HTML; None where there is none of that name.

    Args:
        name: The page's name, ``reference``, or nothing for the way in.
        prefix: What stands before the paths of the request queue.
    """
    if name == INDEX:
        return _framed(name, "retake: docs", _index())
    if name == REFERENCE:
        # Only here: nobody else needs YAML to be read.
        from retake.api.manual.reference import reference

        return _framed(name, "Reference", to_html(reference(openapi_document(prefix))))
    found = page(name)
    if found is None:
        return None
    return _framed(name, found.title, to_html(found.text, name.rpartition("/")[0]))


def _index() -> str:
    cards = "".join(_card(each) for each in pages())
    reference = (
        '<li><a href="/docs/reference">Reference</a><p>Every call of the API, with what it takes '
        'and answers; <a href="/openapi.json">as OpenAPI</a> too.</p></li>'
    )
    return f'<h1>Docs</h1><ul class="cards">{reference}{cards}</ul>'


def _card(each: Page) -> str:
    lead = to_html(each.lead)
    return f'<li><a href="/docs/{each.name}">{to_text(each.title)}</a>{lead}</li>'


def _framed(name: str, title: str, text: str) -> str:
    ways = [("reference", "Reference"), *((each.name, each.title) for each in pages())]
    way = "".join(
        f'<li><a href="/docs/{path}"{" aria-current=page" if path == name else ""}>'
        f"{to_text(shown)}</a></li>"
        for path, shown in ways
    )
    return _FRAME.format(title=to_text(title), way=way, text=text)
