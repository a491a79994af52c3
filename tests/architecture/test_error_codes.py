"""Every error code in the source is explained in docs/errors.md, and nothing else is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from retake.api.errors import STATUSES

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9<>]+)*")
ERRORS = {
    "RetakeError",
    "BadRequest",
    "BadSource",
    "FetchFailed",
    "EngineFailed",
    "RenderFailed",
    "StorageFailed",
    "Cancelled",
    "Refusal",
    "RetakeAPIError",
    "AuthError",
    "ConnectionLost",
    "Timeout",
}


def spelt(node: ast.AST) -> list[str]:
    """Return the texts that an expression may be; what is filled in is shown as ``<status>``."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return spelt(one) + spelt(other)
        case ast.JoinedStr(values=values):
            parts = [v.value if isinstance(v, ast.Constant) else "<status>" for v in values]
            return ["".join(map(str, parts))]
        case _:
            return []


def name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def makers(tree: ast.Module) -> set[str]:
    """Return the error classes and the functions that pass their first argument on as a code."""
    names = set(ERRORS)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.args.args:
            first = [arg.arg for arg in node.args.args if arg.arg not in {"self", "cls"}][:1]
            for inner in ast.walk(node):
                if not isinstance(inner, ast.Call) or name_of(inner) not in ERRORS or not first:
                    continue
                if inner.args and isinstance(inner.args[0], ast.Name):
                    names |= {node.name} if inner.args[0].id == first[0] else set()
    return names


def codes_in(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    named = makers(tree)
    assigned: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).extend(spelt(node.value))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or name_of(node) not in named:
            continue
        given = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "code")]
        for value in given:
            if isinstance(value, ast.Name):
                yield from assigned.get(value.id, [])
            yield from spelt(value)


def codes_in_source() -> dict[str, str]:
    """Return every code in src/ with a file that uses it."""
    found = {"cancelled": "core/errors.py"}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for code in codes_in(path.read_text()):
            assert CODE.fullmatch(code), f"{path.name}: {code!r} is no code"
            found[code] = str(path.relative_to(ROOT / "src/retake"))
    return found


def codes_in_docs() -> list[str]:
    lines = (ROOT / "docs/errors.md").read_text().splitlines()
    return [match[1] for line in lines if (match := re.match(r"\| `([^`]+)` \|", line))]


def test_every_code_is_explained() -> None:
    explained = set(codes_in_docs())
    missing = {code: path for code, path in codes_in_source().items() if code not in explained}
    assert not missing, f"explain them in docs/errors.md: {missing}"


def test_every_explained_code_is_used_and_explained_once() -> None:
    explained = codes_in_docs()
    assert len(explained) == len(set(explained))
    gone = set(explained) - codes_in_source().keys()
    assert not gone, f"no longer in src/: {sorted(gone)}"


def test_the_explained_statuses_are_those_that_are_sent() -> None:
    lines = (ROOT / "docs/errors.md").read_text().splitlines()
    rows = [re.match(r"\| `([^`]+)` \| (\d*) ?\|", line) for line in lines]
    told = {row[1]: row[2] for row in rows if row}
    assert told
    wrong = {code for code, status in told.items() if status != str(STATUSES.get(code, status))}
    assert not wrong


def test_codes_are_found_however_they_are_written() -> None:
    source = """
def _failed(code, message):
    return FetchFailed(code, message)
raise BadRequest("one", "text")
raise errors.Cancelled(code="two")
_failed("three", "text")
other("four")
EngineFailed(f"http_{status}", "text")
code = "five" if x else "six"
BadSource(code, "text")
"""
    found = ["one", "two", "three", "http_<status>", "five", "six"]
    assert sorted(set(codes_in(source))) == sorted(found)
