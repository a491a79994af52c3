"""Several takes of one request: ``takes`` and ``seeds`` in a payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, cast

from retake.core.errors import BadRequest, wrong_type
from retake.core.payload import MAX_SEED, check_seed
from retake.core.sections import SectionAsked

MAX_TAKES = 8
MAX_MADE = 16
"""Most sections that one request may have made, all takes together."""


class Pick(StrEnum):
    """Which of several takes is given out first."""

    FIRST = "first"
    """The first one that was made."""
    BEST = "best"
    """The one whose seams score best."""


_COUNT = f"a whole number from 1 to {MAX_TAKES}"
_SEEDS = f"a list of 1 to {MAX_TAKES} different whole numbers from 0 to {MAX_SEED}"


def check_takes(
    payload: Mapping[str, Any], sections: Sequence[SectionAsked]
) -> tuple[int, tuple[int, ...]]:
    """Return how many takes a payload asks for, and their seeds where it lists them.

    Raises:
        BadRequest: One of the two is not accepted, or they contradict each other, the request's
            ``seed`` or its sections.
    """
    seeds = _seeds(payload)
    takes = _takes(payload)
    if seeds and takes is not None and takes != len(seeds):
        raise BadRequest(
            "takes_and_seeds",
            f"takes is {takes}, but seeds lists {len(seeds)}; accepted is one of the two, or as "
            "many seeds as takes",
            param="takes",
        )
    takes = len(seeds) or takes or 1
    if takes * len(sections) > MAX_MADE:
        raise BadRequest(
            "too_much_to_make",
            f"{takes} takes of {len(sections)} sections are {takes * len(sections)} sections to "
            f"make; accepted are up to {MAX_MADE} in one request",
            param="seeds" if seeds else "takes",
        )
    if seeds:
        _check_no_other_seed(payload, sections)
    return takes, seeds


def check_pick(payload: Mapping[str, Any]) -> Pick:
    """Return which of several takes a payload wants first.

    Raises:
        BadRequest: It is none of `Pick`.
    """
    pick = payload.get("pick")
    if pick is None:
        return Pick.FIRST
    accepted = " or ".join(Pick)
    if not isinstance(pick, str):
        raise wrong_type("pick", pick, accepted)
    try:
        return Pick(pick.strip().lower())
    except ValueError as error:
        raise BadRequest(
            "unknown_pick", f"pick is {pick[:40]!r}; accepted is {accepted}", param="pick"
        ) from error


def seed_of(take_seed: int, take: int, section: int, own: int | None = None) -> int:
    """Return the seed of one section of one take.

    Args:
        take_seed: The take's seed.
        take: Number of the take, from 0 on.
        section: Number of the section, from 0 on.
        own: The section's own seed, which counts instead of the take's.
    """
    return _after(take_seed, section * MAX_TAKES) if own is None else _after(own, take)


def following(seed: int, takes: int) -> tuple[int, ...]:
    """Return the seeds of so many takes, from the first one's on."""
    return tuple(_after(seed, take) for take in range(takes))


def _after(seed: int, steps: int) -> int:
    return (seed + steps) % (MAX_SEED + 1)


def _takes(payload: Mapping[str, Any]) -> int | None:
    takes = payload.get("takes")
    if takes is None:
        return None
    if isinstance(takes, bool) or not isinstance(takes, int):
        raise wrong_type("takes", takes, _COUNT)
    if not 1 <= takes <= MAX_TAKES:
        raise BadRequest(
            "takes_out_of_range", f"takes is {takes}; accepted is {_COUNT}", param="takes"
        )
    return takes


def _seeds(payload: Mapping[str, Any]) -> tuple[int, ...]:
    listed = payload.get("seeds")
    if listed is None:
        return ()
    if not isinstance(listed, list | tuple):
        raise wrong_type("seeds", listed, _SEEDS)
    seeds: list[int] = []
    for at, item in enumerate(cast("Sequence[Any]", listed)):
        param = f"seeds[{at}]"
        try:
            seed = check_seed({"seed": item})
        except BadRequest as error:
            message = error.message.replace("seed", param, 1)
            raise BadRequest(error.code, message, param=param) from error
        if seed is None:
            raise wrong_type(param, item, f"a whole number from 0 to {MAX_SEED}")
        if seed in seeds:
            raise BadRequest(
                "seed_twice",
                f"{param} is {seed}, which is there already: the same seed gives the same result",
                param=param,
            )
        seeds.append(seed)
    if not 1 <= len(seeds) <= MAX_TAKES:
        raise BadRequest(
            "seeds_count", f"seeds has {len(seeds)} entries; accepted is {_SEEDS}", param="seeds"
        )
    return tuple(seeds)


def _check_no_other_seed(payload: Mapping[str, Any], sections: Sequence[SectionAsked]) -> None:
    others = {f"sections[{at}].seed": one.seed for at, one in enumerate(sections)}
    for param, seed in {"seed": payload.get("seed"), **others}.items():
        if seed is not None:
            raise BadRequest(
                "seed_and_seeds",
                f"{param} and seeds were both sent; accepted is one of the two",
                param=param,
            )
