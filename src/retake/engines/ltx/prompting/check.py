"""The prompt check: warnings about what makes a generator miss, each with what to do about it."""

from __future__ import annotations

import re
import unicodedata

from retake.engines.ltx.prompting.rewrite import suggest
from retake.engines.ltx.prompting.words import (
    COMMANDS,
    EDIT_TALK,
    FILLERS,
    NEGATIONS,
    SPEAKING,
    STOP_WORDS,
)

FEWEST_WORDS = 5
MOST_WORDS = 300
"""A prompt is read up to about 1024 tokens of the text encoder, 700 words; long before that the
model follows only a part of it."""

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|«[^»]*»')
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def check(prompt: str) -> tuple[str, ...]:
    """Return warnings about a prompt, the weightiest first; none where it describes a scene."""
    # What is spoken in the scene may be a command, short, or of any language.
    outside = _QUOTED.sub(" ", prompt)
    said = [*_commands(outside, prompt), *_edits(outside), *_unquoted(prompt), *_negations(outside)]
    said += [*_length(prompt), *_language(outside)]
    return tuple(said)


def _commands(outside: str, prompt: str) -> list[str]:
    for sentence in re.split(r"[.!?\n;]+", outside):
        start = _without_fillers(sentence)
        found = next((word for word in _LONGEST_FIRST if _starts(start, word)), None)
        if found is not None and (start != sentence.strip().lower() or not _describes(start)):
            return [_command_warning(found, prompt)]
    return []


def _command_warning(word: str, prompt: str) -> str:
    if word in ("remove", "delete", "erase", "get rid of", "take out"):
        return (
            f'The prompt begins with "{word}". The model draws what it reads, so naming a thing '
            "brings it in: describe what is seen in its place, and name it in negative_prompt "
            "with the preset quality."
        )
    better = suggest(prompt)
    example = f" For example: {better}" if better else ""
    return (
        f'The prompt gives a command ("{word}"). The model draws what a prompt describes, and may '
        f"have a command spoken aloud: describe the scene, not the edit.{example}"
    )


def _edits(outside: str) -> list[str]:
    found = [words for words in EDIT_TALK if re.search(rf"\b{re.escape(words)}\b", outside, re.I)]
    found = [one for one in found if not any(one != more and one in more for more in found)]
    if not found:
        return []
    named = ", ".join(f'"{one}"' for one in found[:3])
    return [
        f"The prompt talks about the film ({named}). The model sees only the section and knows of "
        "no other version: say what is seen and heard in it."
    ]


def _unquoted(prompt: str) -> list[str]:
    verbs = "|".join(re.escape(verb) for verb in SPEAKING)
    if _QUOTED.search(prompt) or not re.search(rf"\b(?:{verbs})\b", prompt, re.I):
        return []
    better = suggest(prompt)
    example = f" For example: {better}" if better and '"' in better else ""
    return [f"Somebody speaks: put the spoken words in quotation marks.{example}"]


def _negations(outside: str) -> list[str]:
    found = next(
        (word for word in NEGATIONS if re.search(rf"\b{re.escape(word)}\b", outside, re.I)), None
    )
    if found is None:
        return []
    return [
        f'The prompt says what is not there ("{found}"). Naming a thing brings it in: leave it '
        "out, and name it in negative_prompt with the preset quality."
    ]


def _length(prompt: str) -> list[str]:
    count = len(_WORD.findall(prompt))
    if count == 0:
        return ["The prompt is empty: the model invents something that suits both sides."]
    if count < FEWEST_WORDS and not _no_spaces(prompt):
        return [
            f"The prompt has {count} word{'s' if count > 1 else ''}. Say who or what is seen, "
            "what happens, the light, the camera and the sound: two to six sentences work best."
        ]
    if count > MOST_WORDS:
        return [
            f"The prompt has {count} words; the model follows about {MOST_WORDS}. What happens in "
            "these seconds is enough."
        ]
    return []


def _language(outside: str) -> list[str]:
    letters = [one for one in outside if one.isalpha()]
    foreign = [one for one in letters if "LATIN" not in unicodedata.name(one, "")]
    if len(letters) >= 4 and len(foreign) > len(letters) / 2:
        return ["The prompt is not in Latin script. The model follows English best."]
    words = [word.lower() for word in _WORD.findall(outside)]
    if len(words) < 4:
        return []
    common = {name: sum(word in stop for word in words) for name, stop in STOP_WORDS.items()}
    best = max(common, key=lambda name: common[name])
    if best == "English" or common[best] < 2 or common[best] <= 2 * common["English"]:
        return []
    return [
        f"The prompt reads like {best}. The model follows English best; spoken words in "
        "quotation marks may stay as they are."
    ]


_LONGEST_FIRST = sorted(COMMANDS, key=len, reverse=True)
_FILLERS = sorted(FILLERS, key=len, reverse=True)


def _without_fillers(sentence: str) -> str:
    text = sentence.strip().lower()
    while found := next((one for one in _FILLERS if _starts(text, one)), None):
        if found in COMMANDS:
            return text
        text = text[len(found) :].lstrip(" ,:")
    return text


def _starts(text: str, word: str) -> bool:
    return re.match(rf"{re.escape(word)}\b", text) is not None


def _describes(sentence: str) -> bool:
    """Return whether a first word is no command after all: "a set table", "Show jumpers run"."""
    words = sentence.split()
    return len(words) > 1 and words[1] in ("is", "are", "was", "were", "of")


def _no_spaces(text: str) -> bool:
    """Return whether a text is of a script that puts no spaces between words."""
    return any(
        unicodedata.name(one, "").startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI"))
        for one in text
    )
