"""Literal words and phrases for each effect, and the phrases that only look like one.

Patterns are matched on folded words with single spaces (`words.Clause.text`). A word that is
listed here counts as certain; what is not listed is left to `meaning`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FALSE_FRIENDS = re.compile(
    r"\b(?:"
    # firearms, jobs, things
    r"(?:open(?:s|ed|ing)?|cease|gun) ?fire|fir(?:es|ed|ing)(?= (?:a|an|the|his|her|its|up|at|two|"
    r"three|shots?|from|back|off|on|me|him|them)\b)|is fired|(?:gets?|got|been|being) fired|"
    r"fire ?(?:truck|engine|fighters?|man|men|alarm|hydrant|escape|station|department|drill|arms?|"
    r"extinguisher|exit|wall|works?|fly|flies|brigade|dancers?|red)\b|"
    r"fireflies|firefly|firefighters?|fireman|firemen|"
    # idioms of feeling
    r"(?:explod|burst|erupt)\w* (?:in|into|with|out) (?:\w+ )?(?:laugh\w*|tears|song|applause|joy|"
    r"cheers|anger|rage|colou?r\w*|giggles)|burst\w* out (?:laughing|crying)|"
    r"burning (?:desire|question|love|passion|calories)|heart on fire|in the heat of|"
    r"(?:having|had|have|has) a blast|blasts? (?:music|the radio|his|her)|full blast|"
    r"blow(?:s|ing)? (?:out|up) (?:a |the |some |his |her |her birthday )?(?:balloons?|candles?|"
    r"kiss(?:es)?|nose|bubbles?|tyres?|tires?)|blow(?:s|ing)? (?:\w+ )?(?:kiss\w*|nose)|"
    r"(?:photo|love|bath|cherry|f) ?bombs?|bombshell|sugar bomb|"
    # weather words that are not weather
    r"storm(?:s|ed|ing)? (?:out|off|in|into|away|through the door|past|the (?:castle|beach|stage))|"
    r"brain ?storm\w*|storm ?troopers?|thunderous|lightning (?:fast|speed|mcqueen|cable|quick)|"
    r"like lightning|quick as lightning|"
    r"rain ?(?:coats?|boots?|bow|bows|jackets?|forest|drops on roses)\b|rainbow\w*|raincoats?|"
    r"snow ?(?:man|men|white|board\w*|shoes?|ball|balls|plow|plough|mobile|leopard|globe)\b|"
    r"snowm[ae]n|snowball\w*|snowboard\w*|snowplough|"
    r"smok(?:es|ed|ing) (?:a|an|his|her|the|two) (?:\w+ )?(?:cigar\w*|pipe|cigarette|joint|weed)|"
    r"smoking (?:area|gun|jacket|hot)|smok(?:ed|y|ey) (?:salmon|eyes?|voice|bacon|ham|glass|quartz)|"
    r"smoke (?:detector|alarm|break)|holy smoke\w*|no smoking sign|"
    r"good ?night|night ?(?:stand|gown|club|mare|shirt|shift|owl|mares|clubs)\b|nightclub|nightgown|"
    r"nightmare\w*|goodnight|last night|every night|one night stand|fortnight|"
    r"sunset (?:boulevard|strip)|dark (?:hair|haired|eyes|eyed|skin|skinned|suit|glasses|jacket|"
    r"brown|blue|green|red|grey|coat|dress|chocolate|wood|matter|humou?r|circles)|"
    r"after dark|moon ?(?:walk\w*|light ?sonata|landing)|moonwalk\w*|"
    r"foggy memory|mist(?:ress|er)|brain fog|fog ?horns?|"
    r"(?:fashion|crowd|media) storm|storm of (?:protest|applause|emotions)|cloud storage|"
    r"gas station|gaslight\w*|paint bomb|time bomb of|bath bomb|firewood|campfire song|"
    r"flash ?light|flashlight\w*|flame ?thrower|flamethrower|flamenco|flamingo\w*|"
    r"eye of the storm|calm before the storm|wind ?(?:shield|mill|ow|ows|surf\w*)\b|windmill\w*|"
    r"wind(?:s|ing)? (?:up|down|road|path|through|around|the clock)|winding|"
    r"water ?fall|snow leopard|dressed in (?:night|fire)|a shower|takes? a shower|blast from the past"
    r")\b"
)
"""Blanked before anything else is looked for."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words that name an effect; `strength` where they tell it too."""

    effect: str
    pattern: re.Pattern[str]
    strength: float | None = None


def _terms(effect: str, *rows: tuple[str, float | None]) -> list[Term]:
    return [Term(effect, re.compile(rf"\b(?:{words})\b"), strength) for words, strength in rows]


TERMS: tuple[Term, ...] = tuple(
    _terms(
        "explosion",
        (r"mushroom cloud|nuclear (?:blast|bomb|explosion|detonation)|nuke[ds]?|atom(?:ic)? bomb", 1.0),
        (r"explo(?:de[sd]?|ding|sions?|sively|sive)|detonat\w+|kaboom|ka boom", None),
        (r"(?:blow|blew|blown|blows|blowing|go|goes|going|went) (?:\w+ ){0,3}?(?:up|to (?:pieces|bits|"
         r"smithereens))(?= (?:in|with|into|at|behind|on|suddenly|spectacularly|violently|after|sky)\b| $)", None),
        (r"(?:blow|blew|blows|blown|blowing) (?:up|apart|sky high)", None),
        (r"(?:blast|blasts|shock ?waves?|fire ?balls?|balls? of (?:fire|flames?)|boom|big bang)", None),
        (r"(?:bombs?|grenades?|missiles?|dynamite|tnt|c4|landmines?|mortar|rocket)"
         r"(?: \w+){0,2}? (?:goes|go|going|went|hits?|strikes?|drops?|falls?|lands?|bursts?|impacts?)", None),
        (r"bomb(?:s|ed|ing|ings|ardment)?|air ?strikes?|blown to (?:bits|pieces)|pyrotechnic\w*", None),
        (r"erupt(?:s|ed|ing)? (?:in|into) (?:a |an )?(?:\w+ ){0,2}?(?:ball|fireball|blast|explosion)", None),
    )
    + _terms(
        "fire",
        (r"infernos?|wild ?fires?|forest fires?|bush ?fires?|firestorms?|engulfed (?:in|by) flames|conflagration", 0.95),
        (r"(?:candle|torch|match|lighter) ?(?:light|flame)?s? (?:burn|flicker|light)\w*", 0.25),
        (r"on fire|ablaze|aflame|alight|in flames|up in flames|burst\w* into flames?|cat?ch(?:es|ing)? fire|caught fire", 0.75),
        (r"fires?|fiery|flames?|flaming|blaz(?:e|es|ing)|bon ?fires?|camp ?fires?", None),
        (r"burn(?:s|ed|t|ing)?(?! (?:out|rubber|calories))|ignit\w+|incinerat\w+|embers", None),
    )
    + _terms(
        "smoke",
        (r"(?:wisps?|puffs?|trails?|plumes?|columns?|clouds?) of (?:\w+ ){0,3}?smoke", None),
        (r"smok(?:e|y|ey|ing|es)|smog|fumes|soot", None),
        (r"smoulder\w*|smolder\w*", 0.4),
    )
    + _terms(
        "rain",
        (r"drizzl(?:e|es|ing|y)|sprinkl(?:e|es|ing) of rain|light shower|spitting with rain", 0.3),
        (r"down ?pours?|cloud ?bursts?|torrential\w*|cats and dogs|monsoons?|deluge|bucket(?:s|ing) down|"
         r"heavens open|pelting|pouring down|it pours|is pouring|starts? pouring", 0.95),
        (r"rain(?:s|ed|ing|y|fall|drops?|storms?)?|showers|pour(?:s|ing)? (?:with )?rain", None),
    )
    + _terms(
        "storm",
        (r"thunder(?:storms?|bolts?|clouds?|ing|s|y|claps?)?|lightning|lightning ?bolts?", None),
        (r"hurricanes?|typhoons?|tempests?|cyclones?|supercells?", 0.95),
        (r"(?<!snow )(?<!sand )(?<!dust )(?<!ice )storms?|stormy", None),
    )
    + _terms(
        "snow",
        (r"blizzards?|snow ?storms?|white ?out|avalanches?", 0.95),
        (r"flurr(?:y|ies)|dusting of snow", 0.3),
        (r"snow(?:s|ed|ing|y|fall|falls|flakes?|drifts?|capped)?|winter wonderland|wintry|ice storm", None),
    )
    + _terms(
        "fog",
        (r"haz(?:e|y)|light mist", 0.3),
        (r"pea ?souper|white out fog", 0.95),
        (r"fog(?:s|gy|ged|bank|gier)?|mist(?:s|y|ier)?|murky air|dry ice", None),
    )
    + _terms(
        "night",
        (r"pitch (?:dark|black)(?:ness)?|total darkness|complete darkness", 0.95),
        (r"(?:mid)?night(?:s|time|fall)?|moon ?(?:lit|light|lights)|starlit|starry|darkness|nocturnal", None),
        (r"(?:get|gets|getting|grow|grows|growing|go|goes|going|turn|turns|turning|become|becomes|"
         r"becoming|went|falls|is) (?:\w+ )?(?:dark|black)(?= $| (?:outside|and|with|at|in|except|after|now)\b)", None),
        (r"(?:black ?out|power (?:cut|outage|failure)|lights? (?:go|goes|went|going) out|day for night|after nightfall)", None),
        (r"(?:full |crescent |pale )moon|moon (?:rises|shines|hangs|glows)", None),
    )
    + _terms(
        "sunset",
        (r"sun ?(?:set|sets|setting|down|rise|rises|rising)|golden hour|magic hour|dusk|twilight|"
         r"sundown|dawn|day ?break|first light|alpenglow|afterglow", None),
        (r"(?:evening|morning|late|low|setting|rising|golden|warm) (?:afternoon )?(?:sun|sunlight|sunshine|sun light)", 0.55),
        (r"sun (?:\w+ )?(?:goes|going|dips|sinks|sinking|slips|drops|disappears) (?:\w+ )?(?:down|below|behind|"
         r"beneath|under|into|towards?)|sun goes down", None),
        (r"evening (?:light|glow|sky)|(?:orange|red|pink|golden|crimson) (?:evening )?sky", None),
    )
)  # fmt: skip
"""What can be drawn, in words."""

SOUND_TERMS: tuple[Term, ...] = tuple(
    _terms(
        "wind",
        (r"gales?|howling winds?|strong winds?|high winds?|whirlwinds?|gusts?|squalls?", 0.85),
        (r"breez(?:e|es|y)", 0.3),
        (r"winds?|windy|windswept|gusty|gusting", None),
    )
)
"""What can be heard but not seen."""

UNDRAWN: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"\b(?:{words})\b"))
    for name, words in (
        ("confetti", r"confetti|streamers|ticker tape"),
        ("under water", r"underwater|under water|submerged|flood(?:s|ed|ing)?|tsunami|tidal wave"),
        ("northern lights", r"aurora|northern lights|galaxy|shooting stars?|meteors?"),
        ("drawing style", r"sketch|pencil|cartoon|anime|painting|watercolou?r|oil painting|comic|cel shad\w+|pixel art|lego|claymation"),
        ("old film", r"black and white|monochrome|sepia|vintage|old film|film grain|vhs|silent film|retro look|noir"),
        ("glitch", r"glitch\w*|static noise|corrupted"),
        ("magic", r"magic(?:al)?|spells?|wizard\w*|portal|fairy dust|laser\w*|force ?field|lightsaber\w*"),
        ("sand and dust", r"sand ?storms?|dust ?storms?|dust clouds?|tornado\w*|twister"),
        ("fireworks", r"fire ?works?|sparklers?"),
        ("slow motion", r"slow ?mo(?:tion)?|time ?lapse|fast forward|reverse[sd]?|backwards|freeze frame|bullet time|speed up"),
        ("camera move", r"camera (?:\w+ )?(?:zooms?|pans?|tilts?|moves?|pushes|dollies|flies|tracks|orbits|rotates|pulls)|zoom(?:s|ing)? (?:in|out)|dolly|crane shot|close ?up"),
        ("earthquake", r"earthquakes?|ground (?:shakes|trembles)"),
        ("hail", r"hail(?:stones?|storms?|s)?"),
        ("music", r"music|soundtrack|orchestra\w*|song|melody|violins?|guitars?|piano|drums?"),
        ("rainbow", r"rainbows?"),
        ("colour grade", r"colou?r grad\w*|teal and orange|saturat\w+|desaturat\w+"),
    )
)  # fmt: skip
"""What people ask for that this engine does not draw, named for the notes."""


def words_of_lexicon() -> frozenset[str]:
    """Return the plain words of five letters or more that the patterns spell out."""
    return _SPELT


_SPELT = frozenset(
    """explosion explosions explode explodes exploding exploded detonates detonation fireball blast
    shockwave mushroom flames flame fire fires burning burns blaze blazing inferno wildfire bonfire
    campfire smoke smoking smoky rain raining rainy rains raindrops drizzle downpour torrential shower
    showers thunder thunderstorm thunderstorms lightning storm stormy storms hurricane tempest snow
    snowing snowfall snowflakes blizzard snowstorm snowy fog foggy mist misty haze hazy night midnight
    nighttime nightfall moonlight moonlit darkness sunset sunrise sunsets twilight golden sunlight
    breeze windy orange yellow purple green violet black white crimson dramatic massive gigantic
    gentle heavy light thick dense left right without background foreground""".split()
)


def names_something(word: str) -> bool:
    """Return whether a single word stands for something here, spelt as it is."""
    patterns = (*(term.pattern for term in (*TERMS, *SOUND_TERMS)), *(p for _, p in UNDRAWN))
    return word in _SPELT or any(pattern.fullmatch(word) for pattern in (*patterns, FALSE_FRIENDS))
