"""The words that give a command, edit talk or another language away."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMANDS = (
    "add", "adjust", "animate", "apply", "blur", "bring", "change", "colour", "color", "convert",
    "create", "cut", "delete", "edit", "enhance", "erase", "extend", "fix", "generate", "give",
    "get rid of", "have", "improve", "include", "insert", "keep", "leave", "let", "make", "modify",
    "move", "paint", "place", "put", "recolour", "recolor", "redo", "remake", "remove", "replace",
    "retake", "set", "show", "slow down", "speed up", "stylize", "swap", "take out", "transform",
    "turn", "upscale", "use",
)  # fmt: skip
"""Verbs that begin a request to an editor. A description begins with what is seen."""

FILLERS = (
    "please", "i want you to", "i'd like you to", "i would like you to", "i want to see", "i want",
    "i'd like", "i would like", "can you", "could you", "would you", "you should", "now", "just",
    "then", "also", "let's", "try to", "show me", "show", "generate", "create", "make a video of",
    "a video of", "video of", "a clip of",
)  # fmt: skip
"""What may stand before the matter itself and says nothing about the scene."""

EDIT_TALK = (
    "instead of", "instead", "the original", "the source", "the video", "this video", "the clip",
    "this clip", "the footage", "the shot", "this scene", "the scene", "the section", "the rest",
    "as before", "same as", "everything else", "no longer", "the prompt", "the frame", "seconds",
    "the beginning of", "the end of", "background to", "foreground to", "unchanged",
)  # fmt: skip
"""Talk about the film where only what is seen in it counts."""

SPEAKING = (
    "says", "say", "saying", "said", "asks", "ask", "shouts", "shout", "yells", "whispers",
    "whisper", "replies", "answers", "announces", "exclaims", "mutters", "screams", "calls out",
)  # fmt: skip
"""Verbs behind which spoken words come; the model speaks what stands in quotation marks."""

NEGATIONS = ("no", "not", "without", "never", "don't", "doesn't", "isn't", "aren't", "nobody")

STOP_WORDS: dict[str, frozenset[str]] = {
    "English": _words(
        "the a an of and in on at with is are to from by as it its his her he she they over under "
        "into through while then there this that"
    ),
    "German": _words(
        "der die das ein eine einen einem einer und im in mit auf ist sind von zu den dem des "
        "nicht wird über unter während es er sie"
    ),
    "French": _words(
        "le la les un une des et dans avec sur est sont de du au aux qui que il elle pas pour sous "
        "pendant"
    ),
    "Spanish": _words(
        "el la los las un una unos y en con sobre es son de del al que no se su por bajo mientras "
        "está"
    ),
    "Italian": _words(
        "il lo la gli le un una e in con su è sono di del della che non si per sotto mentre"
    ),
    "Portuguese": _words(
        "o a os as um uma e em com sobre é são de do da que não se por sob enquanto no na"
    ),
}
"""The commonest words of the languages that are told apart."""

ADJECTIVES_OF_LIGHT = _words(
    "night day dawn dusk sunset sunrise noon midnight evening morning winter summer autumn spring "
    "dark sunny cloudy foggy rainy snowy stormy windy bright"
)

WEATHER_VERBS = {"rain": "raining", "snow": "snowing", "hail": "hailing", "storm": "storming"}
