"""Where everything on a proof map lies, and its colours."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from PIL import ImageDraw, ImageFont

from retake.core.proof import Kind, Proof

Rgb = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

GROUND: Rgb = (252, 252, 250)
PANEL: Rgb = (240, 241, 239)
TEXT: Rgb = (22, 27, 34)
QUIET: Rgb = (98, 107, 120)
LINE: Rgb = (210, 213, 216)
SECTION: Rgb = (190, 74, 0)
SECTION_PANEL: Rgb = (255, 239, 224)
GOOD: Rgb = (0, 92, 138)
ALIKE: Rgb = (176, 132, 0)

COLOURS: dict[Kind, Rgb] = {
    Kind.IDENTICAL: (0, 92, 138),
    Kind.EXACT: (96, 184, 232),
    Kind.NEAR: (240, 208, 72),
    Kind.CHANGED: (222, 104, 16),
    Kind.ADDED: (200, 112, 164),
    Kind.REMOVED: (38, 40, 46),
}
"""After Okabe and Ito: told apart with every kind of colour blindness, and by lightness alone."""

NAMES: dict[Kind, str] = {
    Kind.IDENTICAL: "identical, byte for byte",
    Kind.EXACT: "bit-exact",
    Kind.NEAR: "encoded again, alike",
    Kind.CHANGED: "changed",
    Kind.ADDED: "added",
    Kind.REMOVED: "missing",
}

WIDTH = 2000
MARGIN, GUTTER = 64, 190
HEADING, LOSS, LABEL = 172, 34, 52
STILL_GAP, STRIP, STRIP_GAP, RULER = 6, 76, 18, 58
TABLE_HEAD, TABLE_ROW, LEGEND, FOOT = 44, 46, 64, 150


@dataclass
class MapLayout:
    """Where everything lies, in pixels, for one proof.

    Args:
        proof: What is shown.
        shape: Width of a small picture, of its height.
        losses: Lines of text below the heading.
    """

    proof: Proof
    shape: float
    losses: int

    def __post_init__(self) -> None:
        self.left, self.right = MARGIN + GUTTER, WIDTH - MARGIN
        self.label_top = HEADING + self.losses * LOSS + 12
        self.stills_top = self.label_top + LABEL
        count = max(len(self.proof.stills), 1)
        self.pitch = (self.right - self.left) / count
        width = self.pitch - STILL_GAP
        height = min(width / self.shape, 150.0)
        self.still = round(height * self.shape), round(height)
        rows = 2 if self.proof.stills else 0
        self.strips_top = self.stills_top + rows * (self.still[1] + STILL_GAP) + 14
        self.strips_bottom = self.strip_top(len(self.proof.strips)) - STRIP_GAP
        self.legend_top = self.strips_bottom + RULER + 22
        self.table_top = self.legend_top + LEGEND
        table = TABLE_HEAD + TABLE_ROW * len(self.proof.strips)
        self.foot_top = self.table_top + table + 36
        self.height = self.foot_top + FOOT
        self.end = max([self.proof.duration, *(s.starts[-1] for s in self.proof.strips)])

    def time_x(self, time: Fraction) -> float:
        """Return where a moment lies."""
        share = float(time / self.end) if self.end else 0.0
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def strip_top(self, row: int) -> int:
        """Return a strip's upper edge."""
        return self.strips_top + row * (STRIP + STRIP_GAP)


def font(size: int) -> Font:
    """Return the font of all maps in a size."""
    return ImageFont.load_default(size=size)


def shortened(draw: ImageDraw.ImageDraw, text: str, size: int, width: float) -> str:
    """Return a text as it is, or cut in its middle so that it is at most so wide."""
    if draw.textlength(text, font=font(size)) <= width:
        return text
    keep = len(text)
    while keep > 2:
        keep -= 1
        cut = f"{text[: (keep + 1) // 2]}…{text[len(text) - keep // 2 :]}"
        if draw.textlength(cut, font=font(size)) <= width:
            return cut
    return "…"
