"""What the engine cannot do, told in the prompt's own words."""

from __future__ import annotations

import re

from retake.engines.vfx.understand.lexicon import lexicon
from retake.engines.vfx.understand.manner import without_manner
from retake.engines.vfx.understand.mentions import Mention, masked
from retake.engines.vfx.understand.when import without_times
from retake.engines.vfx.understand.words import Clause

_AGENT = (
    r"(?:man|men|woman|women|boy|girl|child|children|kids?|baby|people|person|crowd|guy|lady|he|she|"
    r"they|someone|somebody|actor|hero|soldiers?|police\w*|zombies?|robots?|monsters?|dragons?|"
    r"aliens?|ufos?|dinosaurs?|dogs?|cats?|horses?|birds?|cows?|lions?|tigers?|bears?|wolf|wolves|fish|sharks?|"
    r"elephants?|rabbit|bunny|squirrel|cars?|trucks?|bus|train|bikes?|motorcycles?|helicopters?|"
    r"planes?|airplanes?|ships?|boats?|tanks?|spaceships?|superheroe?s?|couple|friends?|everyone)"
)
_ACTION = (
    r"(?:runs?|running|walks?|walking|jumps?|jumping|enters?|entering|appears?|appearing|"
    r"turns? (?:around|to)|smiles?|smiling|laughs?|laughing|dances?|dancing|sits?|sitting|"
    r"stands? up|falls? (?:down|over)|"
    r"flies|flying|drives?|driving|picks?|holds?|holding|waves?|waving|looks?|looking|sings?|singing|"
    r"talks?|talking|eats?|eating|drinks?|drinking|swims?|swimming|arrives?|arriving|comes?|coming|"
    r"leaves?|leaving|opens?|closes?|throws?|throwing|fights?|fighting|kisses|hugs?|cries|crying|"
    r"escapes?|escaping|chases?|chasing|lands?|landing|attacks?|attacking|breathes?|crashes|crashing|"
    r"screams?|screaming|shouts?|raises?|takes?|puts?|rides?|riding|climbs?|hides?|dives?|rolls?|"
    r"transforms?|morphs?|vanish\w*|disappears?|emerges?|steps?|stumbles?|panics?|fle(?:e|es|eing)|"
    r"ducks?|wears?|wearing|flicks?|casts?|fires (?:a|the|his|her)|shoots?|pets?|kicks?|catches)"
)
_SPEAKING = re.compile(
    r"\b(?:says?|saying|shouts?|shouting|whispers?|whispering|yells?|yelling|asks?|screams?|cries|"
    r"speaks?|tells?|replies|answers?|reads?|announces?|mutters?|voice|narrator|titled?|written)"
    r"(?: \w+){0,3} $"
)
_SOUND = re.compile(r"\b(?:sound|audio|music|voices?|dialogue|soundtrack|noise|silence|muted?)\b")
_LONGEST = 80
_DOING = re.compile(rf"\b{_AGENT} (?:\w+ ){{0,2}}?{_ACTION}\b")
_FILLER = re.compile(
    r"\b(?:make|makes|it|the|a|an|add|adds|with|please|i|want|would|like|to|see|scene|shot|video|"
    r"clip|section|style|look|looks|very|more|cinematic|epic|dramatic|realistic|photorealistic|of|"
    r"in|on|at|is|are|be|this|that|there|some|and|then|from|for|into|have|has|should|can|you|"
    r"high|quality|effects?|vfx|hollywood|movie|film|4k|8k|hd|slowly|suddenly|gradually|left|right|"
    r"side|background|foreground|middle|cent(?:er|re)|start|starts|begin|begins|atmosphere|"
    r"atmospheric|mood|moody|natural|just|only|all|its|out|up|down|over|across|everywhere|sound|"
    r"wide|medium|angle|camera|holds?|holding|stays?|steady|static|still|same|now|detail\w*|change|"
    r"weather|resolution|hdr|mysterious|spooky|romantic|eerie|scary|terrifying|creepy|beautiful\w*|"
    r"lighting|epic|ultra|sharp|professional|magical|halloween|world|whole|entire|everything|we|"
    r"audio|keep|original|no|not|without|let|us|lets|says?|shouts?|voice|narrator|someone|blow(?:s|ing)?|falling|drifting)\b"
)


def find_leftovers(
    clauses: tuple[Clause, ...],
    mentions: list[Mention],
    details: frozenset[int],
    *,
    quoting: bool,
    sound_told: bool,
) -> list[str]:
    """Return what was asked for and cannot be done, each with its reason, in the prompt's order.

    Args:
        clauses: The whole prompt.
        mentions: Everything that was found in it, wanted or not.
        details: Numbers of clauses that only paint out what was named elsewhere.
        quoting: Whether the prompt holds quotations, which words of speaking introduce.
        sound_told: Whether the prompt tells what shall become of the source's sound.
    """
    left: list[str] = []
    spoken_for = {mention.clause for mention in mentions} | details
    for number, clause in enumerate(clauses):
        text = masked(clause.text)
        undrawn = [] if sound_told and _SOUND.search(text) else lexicon().not_drawn(clause.text)
        left += [f"{name}: not among the effects that are drawn yet" for name in undrawn]
        if (quoting and _SPEAKING.search(clause.text)) or (sound_told and _SOUND.search(text)):
            continue
        doing = _DOING.search(clause.text)
        if doing and number in spoken_for:
            left.append(f"“{doing[0]}”: people, animals and things cannot be made or moved")
        elif number not in spoken_for and not undrawn and (doing or tells_more(clause)):
            left.append(f"“{_short(clause)}”: no effect of this engine")
    left += [
        f"“{mention.effect}” should stop: what the source shows cannot be taken away"
        for mention in mentions
        if mention.removed and mention.wanted
    ]
    return list(dict.fromkeys(left))


def _short(clause: Clause) -> str:
    text = clause.text.strip()
    return text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + "…"


def acts(text: str) -> bool:
    """Return whether somebody or something does something in a clause's text."""
    return _DOING.search(text) is not None


def tells_more(clause: Clause) -> bool:
    """Return whether a clause says more than time, place, manner and "make it look like"."""
    rest = _FILLER.sub(" ", without_manner(without_times(clause.text))).split()
    return any(len(word) > 2 for word in rest)
