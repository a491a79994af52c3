"""Somebody else's server: the documented calls of the hosted API and not one more.

No events, no idempotency, no cancel. A submit blocks until the work is done, or answers
``processing`` while `slow_s` last; `busy` refuses so many calls first; `uploads` may be missing;
`forgetful` keeps its list empty; files may lie at `files_url`, or be redirected to `away`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

ROOT = "/api/v1/ie/requestqueue/apikey"
KEY = "plain-key"


class Plain:
    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.seen: list[tuple[str, str, str | None]] = []
        self.slow_s = 0.0
        self.busy = 0
        self.uploads = True
        self.fail: str | None = None
        self.files_url: str | None = None
        self.away = ""
        self.forgetful = False
        self.app = FastAPI()
        self.app.middleware("http")(self._gate)
        self.app.post(f"{ROOT}/requests")(self._submit)
        self.app.get(f"{ROOT}/requests")(self._list)
        self.app.get(f"{ROOT}/requests/{{name}}")(self._get)
        self.app.get(f"{ROOT}/models")(self._models)
        self.app.get(f"{ROOT}/models/{{name}}")(self._model)
        self.app.post(f"{ROOT}/upload-url")(self._upload_url)
        self.app.put("/bucket/{name}")(self._put)
        self.app.get("/bucket/{name}")(self._file)
        self.app.get("/away/bucket/{name}")(self._moved)
        config = uvicorn.Config(self.app, port=0, log_config=None, lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.005)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def _gate(self, request: Request, call_next: Any) -> Response:
        key = request.headers.get("authorization")
        self.seen.append((request.method, request.url.path, key))
        if self.busy > 0 and request.url.path.startswith(ROOT):
            self.busy -= 1
            return JSONResponse({"error": "slow down"}, 429, {"Retry-After": "0"})
        if request.url.path.startswith(ROOT) and key != f"Bearer {KEY}":
            return JSONResponse({"error": "unauthorized"}, 401)
        return await call_next(request)

    async def _submit(self, request: Request) -> Response:
        body = await request.json()
        name, now = secrets.token_hex(4), int(time.time())
        record = {"request_id": name, "model": body["model"], "created_at": now}
        record |= {"updated_at": now, "payload": body["payload"], "status": "processing"}
        record |= {"ends": time.time() + self.slow_s, "outcome": None}
        self.records[name] = record
        return JSONResponse(self._told(name))

    def _told(self, name: str) -> dict[str, Any]:
        record = dict(self.records[name])
        if time.time() >= record.pop("ends"):
            record["status"] = "failed" if self.fail else "success"
            base = self.files_url or self.url
            url = f"{base}/bucket/{name}.mp4"
            record["outcome"] = {"media_urls": [{"id": "0", "url": url}]}
            if self.fail:
                record |= {"outcome": {"error": self.fail}, "error": self.fail}
        return record

    async def _moved(self, name: str) -> Response:
        return RedirectResponse(f"{self.away}/bucket/{name}")

    async def _list(self) -> dict[str, Any]:
        told = [] if self.forgetful else [self._told(name) for name in reversed(self.records)]
        return {"requests": told, "total": len(told)}

    async def _get(self, name: str) -> Response:
        if name not in self.records:
            return JSONResponse({"error": f"request {name} not found"}, 404)
        return JSONResponse(self._told(name))

    async def _models(self) -> dict[str, Any]:
        return {"model_ids": ["ltx-2-pro-retake"]}

    async def _model(self, name: str) -> Response:
        if name != "ltx-2-pro-retake":
            return JSONResponse({"error": f"model {name} does not exist"}, 404)
        names = ("video_uri", "start_time", "duration", "prompt", "mode")
        return JSONResponse({"model": name, "parameters": [{"name": each} for each in names]})

    async def _upload_url(self) -> Response:
        if not self.uploads:
            return JSONResponse({"error": "no such route"}, 404)
        name = secrets.token_hex(4)
        base = self.files_url or self.url
        urls = {"upload_url": f"{base}/bucket/{name}", "public_url": f"{base}/bucket/{name}"}
        return JSONResponse(urls)

    async def _put(self, name: str, request: Request) -> Response:
        self.files[name] = await request.body()
        return Response()

    async def _file(self, name: str) -> Response:
        content = self.files.get(name, f"video {name}".encode() * 1000)
        return Response(content, media_type="video/mp4")


@contextmanager
def plain_server() -> Iterator[Plain]:
    server = Plain()
    try:
        yield server
    finally:
        server.server.should_exit = True
        server.thread.join(10)
