"""A real `retake serve` in a process of its own, which a test may kill."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

PREFIX = "/api/v1/ie/requestqueue/apikey"
_LISTENS = re.compile(r"listens on (https?://\S+)")


class Server:
    """`retake serve` on a free port and a data folder that outlives it."""

    def __init__(self, data_dir: Path, *, port: int = 0, **settings: str) -> None:
        self.data_dir = data_dir
        self._port = port
        self._environment = os.environ | {f"RETAKE_{k.upper()}": v for k, v in settings.items()}
        self.log = data_dir.with_suffix(".log")
        self.key = ""
        self.said = ""

    def start(self) -> Server:
        command = [sys.executable, "-m", "retake.cli.main", "serve", "--port", str(self._port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.data_dir)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        self.said = self._until_welcome()
        self.base = _LISTENS.search(self.said)[1]
        if key := re.search(r"rt_[\w-]+", self.said):
            self.key = key[0]
        return self

    def _until_welcome(self) -> str:
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            # The first start's text ends with the model call; a later one says one line.
            if "models/ltx" in line or (self.key and "listens on" in line):
                return "".join(lines)
        raise AssertionError(f"the server ended: {self.log.read_text()}")

    def client(self, key: str | None = None) -> httpx.Client:
        return httpx.Client(
            base_url=self.base + PREFIX,
            headers={"Authorization": f"Bearer {key or self.key}"},
            timeout=120,
            trust_env=False,
        )

    def upload(self, file: Path) -> str:
        """Upload a file and return the URL to be used as video_uri."""
        with self.client() as client:
            urls = client.post("/upload-url", json={"file_type": "mp4"}).json()
            put = client.put(
                urls["upload_url"],
                content=file.read_bytes(),
                headers={"Content-Type": "video/mp4"},
            )
            assert put.is_success, put.text
            return urls["public_url"]

    def children(self) -> list[int]:
        """Return the process ids of the engine children."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in listed.read_text().split()]

    def kill(self) -> None:
        """Kill the server as nothing kills it but a power cut."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code

    def ended(self, request_id: str, timeout_s: float = 120) -> dict:
        """Return the request once it has ended."""
        until = time.monotonic() + timeout_s
        with self.client() as client:
            while time.monotonic() < until:
                record = client.get(f"/requests/{request_id}").json()
                if record["status"] in {"success", "failed", "cancelled"}:
                    return record
                time.sleep(0.2)
        raise AssertionError(f"the request did not end: {record}")
