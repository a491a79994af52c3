"""Reading the parameters of a URL's query."""

from __future__ import annotations

from fastapi import Request

from retake.core.errors import BadRequest


def one(request: Request, *names: str) -> str | None:
    """Return the value of a parameter, by the first of its names that is there; None without one.

    An empty value counts as none: forms and clients send all that they know.

    Raises:
        BadRequest: It is there twice (``bad_query``).
    """
    if not request.scope["query_string"]:
        return None
    for name in names:
        values = request.query_params.getlist(name)
        if len(values) > 1:
            raise BadRequest(
                "bad_query", f"{name} is there {len(values)} times; once is accepted", param=name
            )
        if values and values[0]:
            return values[0]
    return None
