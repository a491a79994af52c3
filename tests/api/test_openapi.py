"""The OpenAPI document tells of every route, and of nothing else."""

from __future__ import annotations

import json
import re
import warnings

import retake
from retake.api.app import PREFIXES, routed
from retake.api.openapi import openapi_document
from tests.api.live import Live

VERBS = {"get", "post", "put", "patch", "delete"}
HIDDEN = re.compile(r"/(?:docs|openapi\.json|[^/]*\.(?:js|css|svg|woff2|txt|html))?(?:/.*)?")
"""The page, the docs and the document itself: for people, not for programs."""


def routes_of(server: Live) -> set[tuple[str, str]]:
    """Return every verb and path that programs may call, by the documented prefix."""
    with warnings.catch_warnings():
        # What FastAPI would call the operations is of no interest: nobody sees its document.
        warnings.simplefilter("ignore", UserWarning)
        drawn = routed(server.parts).openapi()
    return {
        (verb.upper(), path)
        for path, item in drawn["paths"].items()
        for verb in VERBS & item.keys()
        if path.startswith(PREFIXES[0]) or not path.startswith(PREFIXES[1])
        if not HIDDEN.fullmatch(path)
    }


def told() -> set[tuple[str, str]]:
    paths = openapi_document(PREFIXES[0])["paths"]
    return {(verb.upper(), path) for path, item in paths.items() for verb in VERBS & item.keys()}


def test_every_route_is_told_of_and_every_one_told_of_is_there(shared: Live) -> None:
    there = routes_of(shared)
    assert there, "no routes were found"
    assert told() - there == set(), "told of, but not there"
    assert there - told() == set(), "there, but not told of"


def test_the_document_is_given_out_and_everything_that_it_refers_to_is_in_it(shared: Live) -> None:
    got = shared.anybody.get("/openapi.json")
    assert got.headers["content-type"] == "application/json"
    document = got.json()
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["version"] == retake.__version__
    for name in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found = document
        for step in name.split("/"):
            found = found[step]
    operations = [
        item[verb]
        for item in document["paths"].values()
        for verb in ("get", "put", "post", "patch", "delete")
        if verb in item
    ]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    assert all(set(operation["tags"]) <= tags for operation in operations)
