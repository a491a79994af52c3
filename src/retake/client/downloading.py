"""Fetching a file of a request: resumed where the connection broke, whole or not at all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from retake.client.asking import error_of, pause_s, send
from retake.client.effects import Answer, Call, Close, Flow, Read, Sleep, Work
from retake.client.ended import succeeded
from retake.client.errors import ConnectionLost, RetakeAPIError
from retake.client.files import File
from retake.client.looking import get
from retake.client.part import Part, check_output
from retake.client.results import Request
from retake.client.server import Server

STALL_S = 60.0
"""How long the sender may send nothing, in seconds."""
_EXPIRED = frozenset({401, 403, 410})
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", re.ASCII)

Got = Callable[[int, int], None]


def download(
    server: Server,
    request: Request,
    *,
    role: str = "video",
    take: int | None = None,
    output: Path | None = None,
    overwrite: bool = False,
    got: Got | None = None,
) -> Flow[File]:
    """Fetch one file of a request.

    Args:
        server: Who has it.
        request: A request that has succeeded.
        role: ``video``, ``thumbnail``, ``sheet``, ``report``, …
        take: Which take's, from 1 on, where there are several; None is the first that was made.
        output: Where the file appears, whole or not at all; None keeps it in memory.
        overwrite: Whether a file that is there is replaced.
        got: Called as ``got(bytes_so_far, bytes_in_all)``; 0 in all while that is not known.

    Raises:
        RetakeAPIError: There is no such file, or what came is not what was made
            (``damaged_download``).
        ConnectionLost: It broke again and again.
        BadRequest: `output` is there already (``output_exists``), or cannot be.
        StorageFailed: It could not be written.
    """
    if output is not None:
        yield Work(lambda: check_output(output, overwrite=overwrite))
    told = role == "video" and take is None and request.report
    expected = request.report.sha256 if told and request.report else None
    part: Part = yield Work(lambda: Part(output))
    try:
        answer, url = yield from _Fetching(server, request, (role, take), part, got).run()
        if expected is not None and part.digest() != expected:
            raise RetakeAPIError(
                "damaged_download",
                f"the file that came is not the one that was made: its SHA-256 is {part.digest()}, "
                f"not {expected}",
                request_id=request.id,
            )
        content = yield Work(lambda: part.reveal(overwrite=overwrite))
    finally:
        part.discard()
    kind = answer.headers.get("content-type", "").partition(";")[0].strip() or None
    return File(url, part.size, part.digest(), kind, output, content)


def fetch(
    server: Server,
    request: Request | str,
    *,
    role: str,
    take: int | None,
    output: Path | None,
    overwrite: bool,
    got: Callable[[str], Got] | None,
) -> Flow[File]:
    """Fetch one file of a request that may be told by its id; see `download`.

    Raises:
        RetakeAPIError: The request has failed, or has not ended yet (``no_such_file``).
    """
    if isinstance(request, str):
        request = succeeded((yield from get(server, request)))
    told = None if got is None else got(request.id)
    return (
        yield from download(
            server, request, role=role, take=take, output=output, overwrite=overwrite, got=told
        )
    )


class _Fetching:
    def __init__(
        self,
        server: Server,
        request: Request,
        which: tuple[str, int | None],
        part: Part,
        got: Got | None,
    ) -> None:
        self._server = server
        self._request = request
        self._which = which
        self._part = part
        self._got = got
        self._mark: str | None = None
        self._total = 0

    def run(self) -> Flow[tuple[Answer, str]]:
        attempt, since, renewed = 0, time.monotonic(), False
        while True:
            url = self._url()
            before = self._part.size
            try:
                answer = yield from self._open(url)
                if answer.status in _EXPIRED and not renewed:
                    # Signed URLs are good for a while; every look at the request gives new ones.
                    yield Close(answer)
                    self._request = yield from get(self._server, self._request.id)
                    renewed = True
                    continue
                yield from self._read(answer)
            except ConnectionLost:
                if self._part.size > before:
                    attempt, since, renewed = 0, time.monotonic(), False
                attempt += 1
                late = time.monotonic() - since > self._server.patience_s
                if late or attempt >= self._server.tries:
                    raise
                yield Sleep(pause_s(attempt))
            else:
                return answer, url

    def _url(self) -> str:
        outcome = self._request.outcome
        url = outcome.url(*self._which) if outcome else None
        if url is None:
            role, take = self._which
            of = "" if take is None else f" of take {take}"
            raise RetakeAPIError(
                "no_such_file",
                f"request {self._request.id} is {self._request.status} and has no {role}{of}",
                request_id=self._request.id,
            )
        return url

    def _open(self, url: str) -> Flow[Answer]:
        headers = self._server.headers(url)
        if self._part.size and self._mark:
            # Only the rest, and only if it is still the same file (RFC 9110, 13.1.5).
            headers |= {"Range": f"bytes={self._part.size}-", "If-Range": self._mark}
        call = Call("GET", url, headers, read_s=STALL_S, stream=True)
        return (yield from send(self._server, call, safe=True))

    def _read(self, answer: Answer) -> Flow[None]:
        yield from self._begin(answer)
        while (chunk := (yield Read(answer))) is not None:
            yield Work(lambda chunk=chunk: self._part.add(chunk))
            if self._got is not None:
                self._got(self._part.size, self._total)
        yield Close(answer)
        if self._total and self._part.size != self._total:
            raise ConnectionLost(
                "connection_lost",
                f"{self._part.size} of {self._total} bytes came",
                retryable=True,
            )

    def _begin(self, answer: Answer) -> Flow[None]:
        """Get ready for what an answer sends: all of the file, or the rest of it."""
        placed = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        if answer.status == 206 and placed and int(placed[1]) == self._part.size:
            return
        if answer.status != 200 or answer.headers.get("content-encoding", "identity") != "identity":
            content = yield Read(answer)
            yield Close(answer)
            if answer.status in {206, 416}:
                yield Work(self._part.restart)
                self._mark = None
                raise ConnectionLost("connection_lost", "the server sent another part")
            raise error_of(Answer(answer.status, answer.headers, content or b""))
        yield Work(self._part.restart)
        length = answer.headers.get("content-length", "")
        self._total = int(length) if length.isdecimal() else 0
        etag = answer.headers.get("etag", "")
        self._mark = etag if etag.startswith('"') else answer.headers.get("last-modified")
