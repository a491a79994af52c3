"""The fleet of compose.yaml, without Docker: its commands and variables, real PostgreSQL and S3."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.deploy.files import retake_services
from tests.e2e.server import Server
from tests.postgres import PostgresServer
from tests.s3 import S3Server


def variables(service: str, database: str, s3: S3Server) -> dict[str, str]:
    """Return a service's environment with this machine's addresses in the place of compose's."""
    found: dict[str, str] = {}
    for name, value in retake_services()[service]["environment"].items():
        match name:
            case "RETAKE_DATABASE":
                assert (
                    re.sub(r"\$\{[^}]+\}", "x", value)
                    == "postgresql://retake:x@postgres:5432/retake"
                )
                found[name] = database
            case "RETAKE_STORAGE":
                assert value.startswith("s3://retake?endpoint=http://s3:8333&region=")
                found[name] = s3.url()
            case "RETAKE_BASE_URL":
                continue
            case _:
                found[name] = value
    assert set(s3.env) <= found.keys()
    return found | s3.env


@contextmanager
def worker(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    command = retake_services()["worker"]["command"]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "retake.cli.main", *command],
            env=os.environ | environment | {"RETAKE_DATA_DIR": str(folder / "worker")},
            stdout=log,
            stderr=log,
        )
    try:
        yield
        process.terminate()
        assert process.wait(60) == 0, (folder / "worker.log").read_text()
    finally:
        process.kill()
        process.wait()


def test_what_compose_starts_works_together(
    postgres: PostgresServer, s3: S3Server, clip: Path, tmp_path: Path
) -> None:
    database = postgres.empty()
    environment = variables("server", database, s3)
    assert environment.keys() == variables("worker", database, s3).keys()
    upgraded = subprocess.run(
        [sys.executable, "-m", "retake.cli.main", *retake_services()["upgrade"]["command"]],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert upgraded.returncode == 0, upgraded.stderr
    settings = {name.removeprefix("RETAKE_").lower(): value for name, value in environment.items()}
    credentials = {name: settings.pop(name.lower()) for name in s3.env}
    server = Server(tmp_path / "server", **settings)
    server._environment |= credentials
    server.start()
    try:
        # Ready before there is a worker, or nobody could ask for one.
        ready = httpx.get(f"{server.base}/readyz", trust_env=False)
        assert (ready.status_code, ready.json()["engine"]) == (200, "starting")
        body = {"video_uri": server.upload(clip), "start_time": 1, "duration": 2, "prompt": "rain"}
        asked = {"model": "vfx-retake", "payload": body | {"mode": "replace_audio"}}
        with server.client() as client:
            answer = client.post("/requests", json=asked, headers={"Prefer": "respond-async"})
            assert answer.status_code == 202, answer.text
            with worker(tmp_path, environment):
                record = server.ended(answer.json()["request_id"])
                assert record["status"] == "success", record
                until = time.monotonic() + 20
                while (
                    httpx.get(f"{server.base}/readyz", trust_env=False).json()["engine"] != "ready"
                ):
                    assert time.monotonic() < until
                    time.sleep(0.1)
        video = httpx.get(record["outcome"]["media_urls"][0]["url"], trust_env=False)
        assert video.content[4:8] == b"ftyp"
    finally:
        server.stop()
