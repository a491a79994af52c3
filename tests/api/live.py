"""A running server of the API, its real queue and storage behind it; a test plays the engine."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from anyio import open_file as _loaded  # noqa: F401 - rewriting it deep in a thread fails

from retake.api.app import create_app
from retake.api.catalogue import ModelInfo
from retake.api.parts import ApiParts
from retake.api.serving import ApiServer
from retake.engines.engine import EngineInfo, Parameter
from retake.queue.data_dir import DataDir
from retake.queue.opening import keys_beside, open_database
from retake.queue.requests import Requests
from retake.queue.unfinished import Capacity
from retake.storage import LocalStorage, Storage

T = TypeVar("T")
API = "/api/v1/ie/requestqueue/apikey"
BARE = "/api/v1/ie/requestqueue"
MODEL = "ltx-2-pro-retake"
ENGINE = EngineInfo(
    id="vfx",
    version="0.1.0",
    display_name="VFX",
    description="Effects by simulation.",
    limits="Knows no people.",
    parameters=(
        Parameter("scale", "number", "How large", default=1.0, min_value=0.1, max_value=4.0),
        Parameter("look", "enum", "Which look", default="film", options=("film", "news")),
        Parameter("loud", "boolean", "Whether it is loud", default=False),
    ),
)
PAYLOAD: dict[str, Any] = {
    "video_uri": "https://example.com/video.mp4",
    "start_time": 3,
    "duration": 5,
    "prompt": "A dramatic explosion with bright orange flames",
    "mode": "replace_audio_and_video",
}
REPORT = {"engine": "vfx", "seed": 7}


def in_a_folder(data_dir: DataDir) -> Storage:
    return LocalStorage(data_dir.files, bytes(range(32)))


open_storage: Callable[[DataDir], Storage] = in_a_folder
"""What every server of a test has; tests that hold for every storage set it."""


class Live:
    """The server and everything behind it."""

    def __init__(
        self,
        folder: Path,
        *,
        head_s: float = 30,
        capacity: Capacity = Capacity(),  # noqa: B008 - it is frozen
        clock: Callable[[], float] = time.time,
        database: str = "sqlite",
        **settings: Any,
    ) -> None:
        self.data_dir = DataDir(folder / "data")
        self.data_dir.__enter__()
        opened = open_database(self.data_dir, database)
        self.keys = keys_beside(opened, self.data_dir)
        self.key = self.keys.create("test")
        self.other_key = self.keys.create("other")
        self.storage = open_storage(self.data_dir)
        self.requests = Requests(
            self.data_dir,
            discard=lambda name: self.storage.delete_tree(f"outputs/{name}"),
            capacity=capacity,
            now=clock,
            database=opened,
        )
        models = tuple(ModelInfo(name, ENGINE) for name in (MODEL, "vfx-retake"))
        settings = {"hold_s": 5.0, "now": clock, **settings}
        self.parts = ApiParts(self.requests, self.keys, self.storage, models, **settings)
        app = create_app(self.parts)
        self.server = ApiServer(app, self.requests.release, host="127.0.0.1", port=0, head_s=head_s)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        while not self.server.started:
            time.sleep(0.005)
        self.port = self.server.bound_port
        self.url = f"http://127.0.0.1:{self.port}"
        bearer = {"Authorization": f"Bearer {self.key}"}
        # Loading the certificate authorities takes longer than everything else here.
        self.client = httpx.Client(base_url=self.url, headers=bearer, timeout=20, verify=False)
        self.anybody = httpx.Client(base_url=self.url, timeout=20, verify=False)

    def close(self) -> None:
        self.client.close()
        self.anybody.close()
        self.server.handle_exit(15, None)
        self._thread.join(20)
        self.requests.close()
        self.keys.close()
        self.data_dir.__exit__(None, None, None)

    def _run(self) -> None:
        self.loop.run_until_complete(self.server.serve())
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
            self.loop.run_until_complete(asyncio.wait([task]))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def call(self, work: Callable[[], T]) -> T:
        async def called() -> T:
            return work()

        return self.do(called())

    def submit(self, payload: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        body = {"model": MODEL, "payload": PAYLOAD if payload is None else payload}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"{API}/requests", json=body, headers=sent)

    def submit_async(self, payload: dict[str, Any] | None = None) -> str:
        answer = self.submit(payload, Prefer="respond-async")
        assert answer.status_code == 202, answer.text
        return answer.json()["request_id"]

    def everything(self) -> list[str]:
        """Return the names of all files there are, those that no name reaches too."""
        if isinstance(self.storage, LocalStorage):
            files = (path for path in self.storage.root.rglob("*") if path.is_file())
            return sorted(path.relative_to(self.storage.root).as_posix() for path in files)
        held = [f"held/{path.name}" for path in (self.data_dir.path / "copies/held").iterdir()]
        stored = [one.name for one in self.storage.files("")]
        return sorted([*held, *(name for name in stored if not name.startswith(".retake/"))])

    def take(self) -> str:
        """Begin to work on the next request, as the engine child would."""
        for _ in range(1000):
            request_id = self.call(self.requests.dispatch.admit)
            if request_id is not None:
                assert self.do(self.requests.dispatch.begun(request_id))
                return request_id
            time.sleep(0.005)
        raise AssertionError("no request came")

    def finish(self, request_id: str) -> None:
        """Bring a request to its success, with files as the publish step makes them."""
        files = {}
        for role, ending in {"video": "mp4", "thumbnail": "jpg", "report": "json"}.items():
            files[role] = f"outputs/{request_id}/{role}.{ending}"
            with self.storage.writing(files[role]) as stream:
                stream.write(f"{role} of {request_id}".encode() * 100)
        outcome = {"files": files, "report": REPORT, "notes": ["understood: explosion"]}
        self.end(request_id, {"status": "success", "outcome": outcome})

    def end(self, request_id: str, result: dict[str, Any]) -> None:
        self.do(self.requests.dispatch.ended(request_id, result))

    def in_background(self, work: Callable[[], T]) -> Callable[[], T]:
        """Do `work` on a thread; call what is returned for its result."""
        results: list[T] = []
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()

        def result() -> T:
            thread.join(20)
            return results[0]

        return result

    def talk(self, data: bytes, *, whole: bool = True) -> bytes:
        """Send bytes as they are; return everything that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(data)
            if whole:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while more := connection.recv(65536):
                answer += more
            return answer


@contextmanager
def live(folder: Path, **settings: Any) -> Iterator[Live]:
    server = Live(folder, **settings)
    try:
        yield server
    finally:
        server.close()
