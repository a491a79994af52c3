"""The docs at /docs: every page, every link, without a key and without the network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

import pytest

from retake.api.errors import STATUSES
from retake.api.manual.markup import slug, to_html
from retake.api.manual.shelf import folder, pages
from tests.api.live import Live
from tests.api.refusals import checked


class Page(HTMLParser):
    """What a page has and wants: ids, links, files."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.files: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        assert tag not in {"script", "iframe", "object"}
        assert not any(name.startswith("on") or name == "style" for name in named)
        if "id" in named:
            self.ids.add(named["id"])
        if tag == "a":
            self.links.append(named["href"])
        elif tag in {"img", "link"}:
            self.files.append(named.get("src") or named["href"])


def names() -> list[str]:
    below = folder().rglob("*.md")
    return [
        "",
        "reference",
        *sorted(p.relative_to(folder()).with_suffix("").as_posix() for p in below),
    ]


@pytest.fixture(scope="module")
def read(shared: Live) -> dict[str, Page]:
    found = {}
    for name in names():
        got = shared.anybody.get(f"/docs/{name}".rstrip("/"))
        assert got.status_code == 200, name
        assert got.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in got.headers["content-security-policy"]
        found[name] = Page(got.text)
    return found


def test_every_link_between_pages_leads_somewhere(shared: Live, read: dict[str, Page]) -> None:
    for name, found in read.items():
        here = f"/docs/{name}".rstrip("/")
        for link in found.links:
            target, fragment = urldefrag(urljoin(here, link))
            if target.startswith("http") or not target.startswith("/docs"):
                continue
            other = target.removeprefix("/docs").strip("/")
            assert other in read, f"{name}: {link}"
            assert not fragment or fragment in read[other].ids | {"text"}, f"{name}: {link}"
        for file in {urljoin(here, each) for each in found.files}:
            assert shared.anybody.head(file).status_code == 200, f"{name}: {file}"


def test_every_page_can_be_reached_from_the_first(read: dict[str, Page]) -> None:
    linked = {urldefrag(link)[0].removeprefix("/docs/") for link in read[""].links}
    assert {each.name for each in pages()} | {"reference"} <= linked


def test_every_error_leads_to_its_explanation(read: dict[str, Page]) -> None:
    assert set(STATUSES) <= read["errors"].ids


@pytest.mark.parametrize(
    "name", ["nothing", "../README", "%2e%2e/secret", "errors/", "ERRORS", "x" * 3000, "images/x"]
)
def test_what_is_no_page_is_told_as_such(shared: Live, name: str) -> None:
    got = shared.anybody.get(f"/docs/{name}")
    if name == "errors/":
        assert got.status_code == 200
    else:
        checked(got, 404)


def test_html_in_a_page_is_shown_not_obeyed() -> None:
    html = to_html("# A <b>\n\n<script>x</script> [a](javascript:x) `<i>`")
    assert not re.search(r"<(script|b|i)>|href=\"javascript", html)
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("text", "folder_name", "link"),
    [
        ("[a](errors.md)", "", "/docs/errors"),
        ("[a](errors.md#x)", "decisions", "/docs/decisions/errors#x"),
        ("[a](../errors.md)", "decisions", "/docs/errors"),
        ("[a](#x)", "", "#x"),
        ("[a](../README.md)", "", "/docs"),
        ("[a](../../README.md#x)", "decisions", "/docs"),
        ("[a](https://example.com/a.md)", "", "https://example.com/a.md"),
        ("[a](/files/x.md)", "", "/files/x.md"),
    ],
)
def test_links_between_pages_are_those_of_the_server(
    text: str, folder_name: str, link: str
) -> None:
    assert Page(to_html(text, folder_name)).links == [link]


def test_headings_are_linked_to_as_on_github() -> None:
    assert slug("Upload a video: PUT, `tus`") == "upload-a-video-put-tus"
