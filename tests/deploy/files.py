"""The files of deploy/, read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
_INSTRUCTION = re.compile(r"([A-Z]+)\s+(.*)", re.DOTALL)


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, each in one line, in their order."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [_INSTRUCTION.match(line) for line in text.splitlines() if line.strip()]
    return [(match[1], match[2].strip()) for match in found if match]


def manifests() -> list[dict[str, Any]]:
    """Return every Kubernetes object, in whatever file."""
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Return the objects of one kind, by their names."""
    return {one["metadata"]["name"]: one for one in manifests() if one["kind"] == kind}


def containers(deployment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all containers of a Deployment, those that come first included."""
    pod = deployment["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def compose() -> dict[str, Any]:
    """Return the compose file, its anchors and merges resolved."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def retake_services() -> dict[str, dict[str, Any]]:
    """Return the compose file's services that are of our image."""
    services = compose()["services"].items()
    return {name: service for name, service in services if service["image"] == "retake"}
