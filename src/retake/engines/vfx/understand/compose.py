"""Understanding, put together: one prompt in, one plan out."""

from __future__ import annotations

from retake.core.request import Mode
from retake.engines.vfx.plan import VISUALS, PromptPlan
from retake.engines.vfx.understand.cues import make_cues
from retake.engines.vfx.understand.guesses import detail_clauses, guess_mentions
from retake.engines.vfx.understand.leftovers import find_leftovers
from retake.engines.vfx.understand.lines import make_lines
from retake.engines.vfx.understand.meaning import load
from retake.engines.vfx.understand.mentions import find_mentions
from retake.engines.vfx.understand.quotes import blank_quotes, find_quotes
from retake.engines.vfx.understand.schedule import clause_times
from retake.engines.vfx.understand.sounding import sounds_for, wish_for_source
from retake.engines.vfx.understand.spelling import repair
from retake.engines.vfx.understand.words import clauses, tokens

_FARTHEST_FIRST = ("sunset", "night", "storm", "fog", "smoke", "fire", "explosion", "rain", "snow")


def understand(prompt: str, duration_s: float, mode: Mode) -> PromptPlan:
    """Return what `vfx` makes of a prompt.

    Args:
        prompt: As the user wrote it; any language, any length the request allows.
        duration_s: Length of the section in seconds.
        mode: What is to be replaced: what is kept is neither drawn nor sounded.

    Returns:
        The plan. The same prompt always gives the same plan; nothing is loaded from outside.
    """
    meaning = load()
    quotes = find_quotes(prompt)
    parts = clauses([repair(t, meaning) for t in tokens(blank_quotes(prompt, quotes))])
    named = find_mentions(parts)
    mentions = sorted(named + guess_mentions(parts, named, meaning), key=lambda m: m.clause)
    times = clause_times(parts, duration_s)
    cues, understood, ignored = make_cues(parts, mentions, times, duration_s)
    keep_sound = wish_for_source(" ".join(clause.text for clause in parts))
    ignored += find_leftovers(
        parts,
        mentions,
        detail_clauses(parts, mentions, meaning),
        quoting=bool(quotes),
        sound_told=keep_sound is not None,
    )
    lines, unsaid = make_lines(prompt, quotes, cues, duration_s, mode)
    unwanted = frozenset(mention.effect for mention in mentions if not mention.wanted)
    sounds = sounds_for(cues, unwanted) if mode.replaces_audio else []
    shown = [cue for cue in cues if cue.effect in VISUALS] if mode.replaces_video else []
    heard_only = {m.effect for m in mentions if m.heard_only and m.wanted}
    return PromptPlan(
        prompt=prompt,
        visuals=tuple(sorted(
            (cue for cue in shown if cue.effect not in heard_only),
            key=lambda cue: _FARTHEST_FIRST.index(cue.effect),
        )),
        sounds=tuple(sounds),
        lines=lines,
        keep_sound=keep_sound,
        understood=tuple(understood),
        ignored=(*ignored, *unsaid),
    )  # fmt: skip
