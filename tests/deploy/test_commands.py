"""Whatever deploy/ runs is run here, as far as it can be without Docker or a cluster."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys

import pytest

from retake.settings import Settings
from tests.deploy.files import (
    DEPLOY,
    ROOT,
    compose,
    containers,
    instructions,
    of_kind,
    retake_services,
)
from tests.e2e.server import Server

_OURS = re.compile(r"\b(RETAKE_[A-Z0-9_]+)\b")
# Read by the image's own shell or by compose, not by the program.
_NOT_SETTINGS = {"RETAKE_CONFIG"}


def _commands() -> list[list[str]]:
    found = [service["command"] for service in retake_services().values()]
    for deployment in of_kind("Deployment").values():
        found += [container["args"] for container in containers(deployment)]
    found += [json.loads(text) for name, text in instructions() if name == "CMD"]
    return [list(each) for each in sorted({tuple(each) for each in found})]


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_every_command_is_one_that_retake_knows(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "retake.cli.main", *command, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert command[0] in done.stdout
    asked = [option for option in command if option.startswith("--")]
    assert all(option in done.stdout for option in asked)


@pytest.mark.parametrize(
    "file", sorted(path for path in DEPLOY.rglob("*") if path.is_file()), ids=lambda path: path.name
)
def test_every_variable_is_a_setting(file: object) -> None:
    known = {f"RETAKE_{name.upper()}" for name in Settings.model_fields} | _NOT_SETTINGS
    text = "\n".join(line.partition("#")[0] for line in file.read_text().splitlines())
    assert set(_OURS.findall(text)) - known == set()


def test_the_image_s_health_check_tells_a_server_that_is_well_from_none(tmp_path) -> None:
    checks = {text for name, text in instructions() if name == "HEALTHCHECK"}
    (check,) = {check.partition("CMD ")[2] for check in checks}
    program, *arguments = json.loads(check)
    assert program == "python"
    server = Server(tmp_path / "data").start()
    port = server.base.rpartition(":")[2]
    here = [sys.executable, *(each.replace("8484", port) for each in arguments)]
    try:
        assert subprocess.run(here, capture_output=True, check=False).returncode == 0
    finally:
        server.stop()
    assert subprocess.run(here, capture_output=True, check=False).returncode != 0


def test_what_is_copied_into_the_image_is_there_and_let_in() -> None:
    let_in = [
        line.removeprefix("!").strip()
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    for name, text in instructions():
        if name != "COPY" or text.startswith("--from"):
            continue
        *sources, _ = text.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            parts = source.split("/")
            above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
            assert any(fnmatch.fnmatch(path, rule) for path in above for rule in let_in), source


def test_what_the_wheel_is_built_from_is_in_the_image() -> None:
    copied = " ".join(text for name, text in instructions() if name == "COPY")
    project = (ROOT / "pyproject.toml").read_text()
    forced = re.search(r"force-include\]\n(.*?)\n\n", project, re.DOTALL)
    assert forced is not None
    for source in re.findall(r'^"([^"]+)" =', forced[1], re.MULTILINE):
        assert source in copied, source
    for file in re.search(r"license-files = \[(.*?)\]", project)[1].replace('"', "").split(", "):
        assert file in copied, file


def test_the_image_is_nobody_s_root_and_keeps_no_tools() -> None:
    text = dict(instructions())
    stages = [line for name, line in instructions() if name == "FROM"]
    assert [stage.partition(" AS ")[2] for stage in stages][-2:] == ["gpu", "server"]
    assert all(stage.startswith("bare ") for stage in stages[-2:])
    assert text["USER"].partition(":")[0].isdigit()
    assert not text["USER"].startswith("0")
    made = [line for name, line in instructions() if name == "RUN" and "useradd" in line]
    assert "pip uninstall" in made[0]
    installs = [line for name, line in instructions() if name == "RUN" and "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps ." in line for line in installs)


def test_compose_s_services_know_each_other() -> None:
    whole = compose()
    for name, service in whole["services"].items():
        for other, condition in service.get("depends_on", {}).items():
            assert other in whole["services"], name
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in whole["services"][other], other
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in whole["volumes"], volume
        assert ":" in service["image"] or service["image"] == "retake"
    (port,) = whole["services"]["server"]["ports"]
    assert port.endswith(f":{Settings.model_fields['port'].default}")
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    told = set(re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert asked == told
