"""The reference, drawn from the OpenAPI document: every call with what it takes and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options")


def reference(document: Mapping[str, Any]) -> str:
    """Return the reference as Markdown."""
    lines = [
        "# Reference",
        "",
        f"OpenAPI {document['openapi']}, as JSON: [/openapi.json](/openapi.json).",
    ]
    for tag in document["tags"]:
        lines += ["", f"## {tag['name'].capitalize()}", "", tag["description"]]
        for path, item in document["paths"].items():
            for verb in (key for key in item if key in _VERBS):
                if tag["name"] in item[verb]["tags"]:
                    lines += ["", *_operation(document, verb, path, item)]
    lines += ["", "## Schemas", ""]
    for name, schema in document["components"]["schemas"].items():
        lines += ["", f"### {name}", "", _line(schema.get("description", "")), ""]
        lines += _fields(document, schema)
    return "\n".join(lines) + "\n"


def _operation(
    document: Mapping[str, Any], verb: str, path: str, item: Mapping[str, Any]
) -> Iterator[str]:
    operation = item[verb]
    yield f"### {operation['summary']}"
    yield from ("", "```", f"{verb.upper()} {path}", "```", "")
    yield operation.get("description", "")
    if operation.get("security") == []:
        yield from ("", "Needs no key.")
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    if parameters:
        yield from ("", "| parameter | in | accepted | |", "|---|---|---|---|")
        for parameter in (_found(document, each) for each in parameters):
            kind = _kind(document, parameter.get("schema", {}))
            told = _cell(parameter.get("description", ""))
            yield f"| `{parameter['name']}` | {parameter['in']} | {kind} | {told} |"
    body = operation.get("requestBody", {}).get("content", {})
    for media_type, content in body.items():
        kind = _kind(document, content.get("schema", {}))
        yield from ("", f"Body, `{media_type}`: {kind}")
        yield from _examples(document, content)
    yield from ("", "| answer | |", "|---|---|")
    for status, answer in sorted(operation["responses"].items()):
        yield f"| {status} | {_cell(_found(document, answer)['description'])} |"


def _examples(document: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[str]:
    given = [_found(document, each).get("value") for each in content.get("examples", {}).values()]
    for example in [*given, *([content["example"]] if "example" in content else [])]:
        yield from ("", "```json", json.dumps(example, indent=2, ensure_ascii=False), "```")


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    if not schema.get("properties"):
        return
    needed = schema.get("required", ())
    yield from ("| key | type | |", "|---|---|---|")
    for name, field in schema["properties"].items():
        always = "**needed**. " if name in needed else ""
        told = _cell(_found(document, field).get("description", ""))
        yield f"| `{name}` | {_kind(document, field)} | {always}{told} |"


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return in a few words what a schema accepts."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"] if value not in ("", None))
    if "anyOf" in schema or "oneOf" in schema:
        either = schema.get("anyOf") or schema["oneOf"]
        return " or ".join(dict.fromkeys(_kind(document, each) for each in either))
    kinds = schema.get("type", "any")
    named = [kinds] if isinstance(kinds, str) else kinds
    text = " or ".join(kind for kind in named if kind != "null") or "null"
    if "items" in schema:
        text += f" of {_kind(document, schema['items'])}"
    return text + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    text = ""
    if low is not None and high is not None:
        text = f", {low} to {high}"
    elif low is not None:
        text = f", {low} or more"
    elif high is not None:
        text = f", at most {high}"
    if "maxLength" in schema:
        text += f", at most {schema['maxLength']} characters"
    if "default" in schema:
        text += f"; `{json.dumps(schema['default'])}` unless given"
    return text


def _found(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a ``$ref`` stands for, or the value itself."""
    if "$ref" not in value:
        return value
    found: Any = document
    for step in value["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
