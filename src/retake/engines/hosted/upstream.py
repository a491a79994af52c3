"""What the upstream model accepts, as it tells itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from retake.engines.hosted.window import Accepted


@dataclass(frozen=True, slots=True)
class Upstream:
    """The model upstream.

    Attributes:
        accepted: Which videos it takes.
        parameters: The names of the parameters that it knows.
    """

    accepted: Accepted
    parameters: frozenset[str]


def upstream_of(raw: Mapping[str, Any]) -> Upstream:
    """Return what a model detail tells, as the upstream server sent it."""
    told = raw.get("parameters")
    rows = [row for row in told if isinstance(row, Mapping)] if isinstance(told, list) else []
    named = {str(row.get("name")): row for row in rows}
    accepted = Accepted()
    least = named.get("duration", {}).get("min_value")
    most = named.get("duration", {}).get("max_value")
    if isinstance(least, int | float) and least > 0:
        accepted = replace(accepted, min_section=Fraction(str(least)))
    if isinstance(most, int | float) and most > 0:
        accepted = replace(accepted, max_seconds=Fraction(str(most)))
    return Upstream(accepted, frozenset(named))
