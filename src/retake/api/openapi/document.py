"""Putting the document together from its parts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

import retake
from retake.api.errors import STATUSES

_FOLDER = Path(__file__).parent
_INFO, _SCHEMAS = "info.yaml", "schemas.yaml"
_AT_THE_ROOT = (
    *("/files/", "/example.mp4", "/healthz", "/readyz", "/metrics", "/mcp"),
    *("/v1/", "/v2/", "/fal/", "/api/"),
)
_VERBS = ("get", "put", "post", "delete", "options", "head", "patch")
_SCHEMA = "#/components/schemas/"
_ANYWHERE = (400, 404, 405, 408, 413, 415, 429, 503, 507)
_WITH_A_KEY = (401,)
_OF_DIALECTS = {"FalError": (422, 499, 504), "VendorError": (504,)}


@cache
def openapi_document(prefix: str) -> dict[str, Any]:
    """Return the document.

    Args:
        prefix: What stands before the paths of the request queue.
    """
    document = _read(_INFO)
    document["info"]["version"] = retake.__version__
    document["components"] |= _read(_SCHEMAS)
    document["paths"] = {}
    for name in _names():
        for path, item in _read(name).items():
            full = path if path.startswith(_AT_THE_ROOT) else prefix + path
            document["paths"][full] = item
            for verb in _VERBS:
                if verb in item:
                    _add_problems(item[verb])
    return document


def _names() -> list[str]:
    names = sorted(path.name for path in _FOLDER.glob("*.yaml"))
    return [name for name in names if name not in {_INFO, _SCHEMAS}]


def _read(name: str) -> dict[str, Any]:
    return yaml.safe_load((_FOLDER / name).read_text("utf-8"))


def _add_problems(operation: dict[str, Any]) -> None:
    """Name the errors that any call may meet, where the operation does not tell of them itself.

    ``x-errors`` names the schema of those that a dialect tells in its own way.
    """
    content = {"application/problem+json": {"schema": {"$ref": f"{_SCHEMA}Problem"}}}
    if own := operation.pop("x-errors", None):
        content["application/json"] = {"schema": {"$ref": f"{_SCHEMA}{own}"}}
    keyed = _WITH_A_KEY if operation.get("security") != [] else ()
    statuses = [*_ANYWHERE, *keyed, *_OF_DIALECTS.get(own or "", ())]
    for status in sorted(statuses):
        codes = sorted(code for code, its in STATUSES.items() if its == status)
        told = f" ({', '.join(codes)})" if codes else ""
        operation["responses"].setdefault(
            str(status),
            {"description": f"See the code{told}.", "content": content},
        )
