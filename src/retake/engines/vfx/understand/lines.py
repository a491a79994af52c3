"""Lines: what is spoken, and when."""

from __future__ import annotations

from retake.core.request import Mode
from retake.engines.vfx.plan import Cue, Line
from retake.engines.vfx.understand.quotes import Quote
from retake.engines.vfx.understand.when import find_time
from retake.engines.vfx.understand.words import fold

_CHARACTERS_A_SECOND = 14.0
_PAUSE_S = 0.35
_FIRST_S = 0.4
_AFTER_BLAST_S = 2.0


def make_lines(
    prompt: str, quotes: tuple[Quote, ...], cues: list[Cue], duration_s: float, mode: Mode
) -> tuple[tuple[Line, ...], list[str]]:
    """Return the lines to speak, in order, and quotations that will not be heard, with reasons.

    A line starts where its sentence tells it to, otherwise after the line before it; the first
    one waits for an explosion at the start to ring out when the section is long enough.
    """
    unsaid = [f"“{quote.text}”: lettering is not drawn" for quote in quotes if not quote.spoken]
    spoken = [quote for quote in quotes if quote.spoken]
    if not mode.replaces_audio:
        unsaid += [f"“{quote.text}”: the sound is kept, so nothing is spoken" for quote in spoken]
        return (), unsaid
    lines: list[Line] = []
    free = _first_moment(cues, duration_s)
    for quote in spoken:
        told = find_time(f" {fold(_sentence(prompt, quote))} ", duration_s).start_s
        start = free if told is None else min(told, max(duration_s - 1.0, 0.0))
        lines.append(Line(quote.text, round(start, 3)))
        free = start + len(quote.text) / _CHARACTERS_A_SECOND + _PAUSE_S
    return tuple(lines), unsaid


def _first_moment(cues: list[Cue], duration_s: float) -> float:
    for cue in cues:
        if cue.effect == "explosion" and cue.start_s < 0.5 and duration_s >= 3.5:
            return cue.start_s + _AFTER_BLAST_S
    return min(_FIRST_S, duration_s * 0.2)


def _sentence(prompt: str, quote: Quote) -> str:
    """Return the words around a quotation, up to the stops or quotation marks about it."""
    before = prompt[: max(quote.start - 1, 0)]
    for stop in '.!?\n"”“':
        before = before.rpartition(stop)[2]
    after = prompt[quote.end + 1 :]
    for stop in '.!?\n"“”':
        after = after.partition(stop)[0]
    return f"{before} {after}"
