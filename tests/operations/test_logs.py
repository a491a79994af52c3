"""What the log says of a call and of a request, and what it never says."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from retake.telemetry.about import About, about, all_about, name_request
from retake.telemetry.access import log_call
from retake.telemetry.logs import JsonLines, TextLines, clean, set_up_logs
from tests.api.live import API, PAYLOAD, live


@contextmanager
def written(formatter: logging.Formatter) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger("retake")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_call_is_one_line_with_its_request(tmp_path: Path) -> None:
    with written(JsonLines()) as stream, live(tmp_path) as server:
        request_id = server.submit_async()
        server.client.get(f"{API}/requests/{request_id}")
        server.client.get(f"{API}/requests/{'0' * 32}?signature=abcdef")
        server.anybody.get("/healthz")
    calls = [line for line in lines(stream) if line["logger"] == "retake.access"]
    told = [(c["method"], c["status"], c.get("request_id"), c.get("code")) for c in calls]
    assert told == [
        ("POST", 202, request_id, None),
        ("GET", 200, request_id, None),
        ("GET", 404, None, "unknown_request"),
    ]
    assert calls[1]["path"] == f"{API}/requests/{request_id}"
    assert calls[0]["peer"] == "127.0.0.1"
    assert calls[0]["took_ms"] > 0
    for secret in (server.key, "abcdef", PAYLOAD["prompt"], PAYLOAD["video_uri"]):
        assert secret not in stream.getvalue()


def test_lines_of_the_work_name_its_request_whatever_thread_they_come_from() -> None:
    with written(JsonLines()) as stream:
        with all_about(About("r1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")):
            thread = threading.Thread(
                target=logging.getLogger("retake.engines").warning, args=["a"]
            )
            thread.start()
            thread.join()
            logging.getLogger("retake").info("b", extra={"request_id": "r2"})
        logging.getLogger("retake").info("c")
    a, b, c = lines(stream)
    assert (a["request_id"], a["trace_id"]) == ("r1", "0af7651916cd43dd8448eb211c80319c")
    assert b["request_id"] == "r2"
    assert "request_id" not in c
    assert a["level"] == "warning"


def test_calls_at_the_same_time_do_not_name_each_others_request() -> None:
    def call(name: str, first: threading.Barrier, told: list[str]) -> None:
        with about(About()) as what:
            name_request(name)
            first.wait(5)
            told.append(f"{name}{what.request_id}")

    barrier, told = threading.Barrier(2), list[str]()
    threads = [threading.Thread(target=call, args=(n, barrier, told)) for n in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["aa", "bb"]


def test_a_line_for_people_is_one_line_whatever_is_in_it() -> None:
    with written(TextLines()) as stream, about(About("r1")):
        logging.getLogger("retake").info("a\nFAKE info retake: b\r")
        log_call(
            method="GET", path="/x%0Ay", status=404, took_s=0.01, peer="", error="unknown_path"
        )
    one, two = stream.getvalue().splitlines()
    assert one.endswith(r"info    retake: a\nFAKE info retake: b\r [r1]")
    assert two.endswith("retake.access: GET /x%0Ay 404 unknown_path 10.0 ms [r1]")


def test_a_traceback_is_part_of_its_line() -> None:
    with written(JsonLines()) as stream:
        try:
            int("https://x.example/a?X-Amz-Signature=topsecret&b=1")
        except ValueError:
            logging.getLogger("retake").exception("it failed")
    (line,) = lines(stream)
    assert "ValueError" in line["exception"]
    assert "topsecret" not in line["exception"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "GET /files/a.mp4?expires=1&signature=abc123 x",
            "GET /files/a.mp4?expires=1&signature=… x",
        ),
        ("https://h/x?sig=abc&se=1", "https://h/x?sig=…&se=1"),
        ("key rt_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "key rt_AbCdEf…"),
        ("a design=5", "a design=5"),
    ],
)
def test_signatures_and_keys_are_cut(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_libraries_write_as_all_others_do() -> None:
    root, dbos = logging.getLogger(), logging.getLogger("dbos")
    before = root.handlers[:], root.level, dbos.handlers[:], dbos.propagate
    try:
        set_up_logs("INFO", "json")
        (handler,) = root.handlers
        assert isinstance(handler.formatter, JsonLines)
        assert dbos.propagate
        assert not logging.getLogger("uvicorn.error").filter(
            logging.makeLogRecord({"msg": "Invalid HTTP request received."})
        )
    finally:
        root.handlers[:], dbos.handlers[:] = before[0], before[2]
        root.setLevel(before[1])
        dbos.propagate = before[3]
        logging.getLogger("uvicorn.error").filters.clear()
