"""What the client makes of whatever a server says."""

from __future__ import annotations

import json
import pickle
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.client import Progress, Request, RetakeAPIError
from retake.client.asking import error_of, retry_after
from retake.client.effects import Answer
from retake.client.files import File
from retake.client.server import origin, server_for
from retake.client.sse import Event, EventReader
from retake.client.submitting import seconds
from retake.core.errors import BadRequest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = [
    "request_id", "model", "status", "outcome", "progress", "report", "warnings", "notes", "error",
    "payload", "seed", "created_at", "media_urls", "percent", "eta_seconds", "checks", "video",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_no_record_however_odd_breaks_the_client(raw) -> None:
    raw = {"status": "success", **raw}
    record = Request.parse(raw)
    assert record.raw is raw
    assert isinstance(record._repr_html_(), str)
    assert "<script" not in record._repr_html_()
    Progress.parse(raw)


@given(st.integers(200, 599), st.binary(max_size=300) | JSON.map(lambda v: json.dumps(v).encode()))
def test_every_refusal_becomes_an_error_with_words(status, content) -> None:
    error = error_of(Answer(status, {"retry-after": "soon"}, content))
    assert isinstance(error, RetakeAPIError)
    assert error.message
    assert error.code
    assert error.status == status
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.message, again.status) == (type(error), error.message, status)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "no credits"}, "no credits"),
        ({"type": "error", "error": {"type": "x", "message": "too long"}}, "too long"),
        ({"detail": "not today", "title": "Forbidden"}, "not today"),
        ({"title": "Gone"}, "Gone"),
        ({}, "the server answered 402"),
    ],
)
def test_errors_are_understood_whoever_wrote_them(body, said) -> None:
    content = json.dumps(body).encode() if body else b"<html>nginx</html>"
    error = error_of(Answer(402, {}, content))
    assert error.message == said
    assert error.code == "http_402"


EVENTS = [Event("stage", {"n": 1}), Event("progress", {"n": "ü"}), Event("success", {"n": [1]})]
WIRE = (
    'retry: 1500\r\n\r\n: still here\n\nid: 3\nevent: stage\ndata: {"n":\ndata: 1}\n\n'
    'event: progress\ndata:{"n":"ü"}\n\nid: 7\n\nevent: success\ndata: {"n": [1]}\n\n'
    "event: half\ndata: {"
).encode()


@given(st.lists(st.integers(0, len(WIRE)), max_size=12).map(sorted))
def test_events_are_the_same_however_their_bytes_arrive(cuts) -> None:
    reader, heard = EventReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(WIRE)], strict=True):
        heard += reader.feed(WIRE[start:end])
    assert heard == EVENTS
    assert (reader.last_id, reader.retry_s) == ("7", 1.5)
    reader.broken()
    assert list(reader.feed(b"data: {}\n\n")) == [Event("message", {})]
    assert reader.last_id == "7"


def test_a_stream_without_an_end_is_none() -> None:
    reader = EventReader()
    with pytest.raises(ValueError, match="does not end"):
        for _ in range(100):
            list(reader.feed(b"x" * 100_000))


def test_retry_after_is_seconds_or_a_date() -> None:
    def told(text: str) -> float | None:
        return retry_after(Answer(429, {"retry-after": text}))

    assert told("7") == 7
    assert 50 < (told(formatdate(time.time() + 60, usegmt=True)) or 0) <= 60
    assert told(formatdate(0, usegmt=True)) == 0
    assert told("soon") is None
    assert told("") is None


def test_origins_tell_servers_apart() -> None:
    assert origin("https://A.example/x") == origin("https://a.example:443/y")
    assert origin("https://a.example") != origin("http://a.example")
    assert origin("http://a.example:81") != origin("http://a.example")
    server = server_for("https://a.example", "sk-secret")
    assert "Authorization" in server.headers("https://a.example/files/x")
    for elsewhere in ("http://a.example/x", "https://a.example:8443/x", "https://a.example.evil/"):
        assert "Authorization" not in server.headers(elsewhere)
    assert "sk-secret" not in repr(server)


@pytest.mark.parametrize(("text", "value"), [("2.5", 2.5), ("0:02.500", 2.5), (3, 3.0)])
def test_times_are_seconds(text, value) -> None:
    assert seconds("start", text) == value


@pytest.mark.parametrize("text", ["60f", "soon", ""])
def test_other_times_are_refused(text) -> None:
    with pytest.raises(BadRequest) as caught:
        seconds("start", text)
    assert caught.value.param == "start"


def test_a_large_or_lost_file_is_only_named_in_a_notebook(tmp_path) -> None:
    path = tmp_path / "<b>.mp4"
    shown = File("http://x", 10**9, "0", "video/mp4", path)._repr_html_()
    assert "<video" not in shown
    assert "<b>" not in shown
    assert "no longer there" in File("http://x", 5, "0", "video/mp4", path)._repr_html_()
