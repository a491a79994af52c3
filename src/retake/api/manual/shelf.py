"""Where the pages lie, in a checkout and in the wheel, and in which order they are named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import retake

_FIRST = ("api", "errors", "takes", "uploads", "outputs", "webhooks", "client", "dialects", "mcp")
_NO_TEXT = ("#", "|", "```", "- ", "![")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9-]{1,80}(?:/[a-z0-9-]{1,80})?")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its name in the URL, and its Markdown."""

    name: str
    text: str

    @property
    def title(self) -> str:
        """The first heading."""
        found = _TITLE.search(self.text)
        return found[1].replace("`", "") if found else self.name

    @property
    def lead(self) -> str:
        """The first paragraph."""
        paragraphs = [part.strip() for part in self.text.split("\n\n")]
        plain = (part for part in paragraphs if part and not part.startswith(_NO_TEXT))
        return next(plain, "").replace("\n", " ")


@cache
def folder() -> Path:
    """Return the folder of the pages."""
    package = Path(retake.__file__).parent
    # In the wheel it lies in the package; a checkout has it beside the sources.
    inside = package / "docs"
    return inside if inside.is_dir() else package.parents[1] / "docs"


@cache
def page(name: str) -> Page | None:
    """Return the page of that name, such as ``errors`` or ``decisions/0001-the-house``."""
    if not _NAME.fullmatch(name):
        return None
    path = folder() / f"{name}.md"
    return Page(name, path.read_text("utf-8")) if path.is_file() else None


@cache
def pages() -> tuple[Page, ...]:
    """Return the pages for users, those that they look for first in front."""
    names = sorted(path.stem for path in folder().glob("*.md"))
    ordered = [name for name in _FIRST if name in names]
    ordered += [name for name in names if name not in _FIRST]
    return tuple(found for name in ordered if (found := page(name)))
