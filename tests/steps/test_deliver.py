"""Sending results to the user's own storage: until it takes them, and nowhere that it may not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from retake.core.delivery import Delivery, Put
from retake.core.errors import Cancelled
from retake.core.watch import Watch
from retake.steps.deliver import Delivered, deliver
from retake.steps.fetch import FetchPolicy

POLICY = FetchPolicy(allow_private=True, connect_s=2, stall_s=2, total_s=20)
QUICK = (0.01, 0.01)
VIDEO = bytes(range(256)) * 5000


@dataclass
class Bucket:
    """A storage that takes PUTs, as the statuses say, one after the other; then with 201."""

    statuses: list[int] = field(default_factory=list[int])
    location: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(
        default_factory=list[tuple[str, dict[str, str], bytes]]
    )
    port: int = 0

    def url(self, path: str = "/bucket/video.mp4?X-Signature=secret") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def bucket(*statuses: int, location: str = "", hangs: bool = False) -> Iterator[Bucket]:
    made = Bucket(list(statuses), location)
    over = threading.Event()

    class Takes(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            if hangs:
                over.wait(10)
            data = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((self.path, dict(self.headers.items()), data))
            self.send_response(made.statuses.pop(0) if made.statuses else 201)
            if made.location:
                self.send_header("Location", made.location)
                made.location = ""
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "video.mp4").write_bytes(VIDEO)
    (tmp_path / "audio.m4a").write_bytes(b"sound")
    return {"video": tmp_path / "video.mp4", "audio": tmp_path / "audio.m4a"}


def sent(
    files: dict[str, Path],
    *puts: Put,
    policy: FetchPolicy = POLICY,
    watch: Watch | None = None,
    waits_s: tuple[float, ...] = QUICK,
    resolve: Callable[[str, int], list[str]] | None = None,
) -> list[Delivered]:
    more = {} if resolve is None else {"resolve": resolve}
    return deliver(Delivery(puts), files, policy, watch or Watch(), waits_s=waits_s, **more)


def test_a_file_arrives_with_its_type_and_length(files: dict[str, Path]) -> None:
    with bucket() as store:
        (told,) = sent(files, Put("video", store.url(), {"x-ms-blob-type": "BlockBlob"}))
    assert told == Delivered(
        "video", f"http://127.0.0.1:{store.port}/bucket/video.mp4?…", ok=True, tries=1
    )
    ((path, headers, data),) = store.got
    assert (path, data) == ("/bucket/video.mp4?X-Signature=secret", VIDEO)
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Length"] == str(len(VIDEO))
    assert headers["x-ms-blob-type"] == "BlockBlob"
    assert "Transfer-Encoding" not in headers


def test_a_type_that_was_signed_along_is_sent_as_it_was_asked(files: dict[str, Path]) -> None:
    with bucket() as store:
        sent(files, Put("video", store.url(), {"content-type": "application/octet-stream"}))
    assert store.got[0][1]["content-type"] == "application/octet-stream"


def test_what_may_pass_is_tried_again(files: dict[str, Path]) -> None:
    with bucket(503, 429) as store:
        (told,) = sent(files, Put("video", store.url()))
    assert (told.ok, told.tries, told.code) == (True, 3, None)
    assert [data for _, _, data in store.got] == [VIDEO] * 3


def test_it_gives_up_after_the_last_try(files: dict[str, Path]) -> None:
    with bucket(500, 500, 500, 500) as store:
        (told,) = sent(files, Put("video", store.url()))
    assert (told.ok, told.tries, told.code) == (False, 3, "http_500")
    assert "output_put_url" in (told.error or "")
    assert "secret" not in repr(told)


def test_what_will_not_pass_is_not_tried_again(files: dict[str, Path]) -> None:
    with bucket(403) as store:
        (told,) = sent(files, Put("video", store.url()))
    assert (told.ok, told.tries, told.code) == (False, 1, "http_403")
    assert len(store.got) == 1


def test_one_that_is_not_taken_keeps_no_other_from_it(files: dict[str, Path]) -> None:
    with bucket() as store:
        told = sent(
            files,
            Put("video", "http://127.0.0.1:9/x"),
            Put("audio", store.url("/a")),
            Put("section", store.url("/s")),
        )
    assert [(one.role, one.ok, one.code) for one in told] == [
        ("video", False, "refused"),
        ("audio", True, None),
        ("section", False, "no_such_result"),
    ]
    assert [path for path, _, _ in store.got] == ["/a"]


def test_a_redirect_that_keeps_the_verb_is_followed(files: dict[str, Path]) -> None:
    with bucket(307, location="/elsewhere?s=1") as store:
        (told,) = sent(files, Put("video", store.url()))
    assert told.ok
    assert [path for path, _, _ in store.got][-1] == "/elsewhere?s=1"
    assert store.got[-1][2] == VIDEO


def test_another_redirect_is_not(files: dict[str, Path]) -> None:
    with bucket(302, location="/elsewhere") as store:
        (told,) = sent(files, Put("video", store.url()))
    assert told.code == "http_302"


def test_a_private_address_is_not_reached(files: dict[str, Path]) -> None:
    strict = replace(POLICY, allow_private=False)
    with bucket() as store:
        named = f"http://bucket.example:{store.port}/x"
        (spelt,) = sent(files, Put("video", store.url()), policy=strict)
        (resolved,) = sent(
            files, Put("video", named), policy=strict, resolve=lambda _h, _p: ["127.0.0.1"]
        )
        assert not store.got
    assert {spelt.code, resolved.code} == {"blocked_address"}


def test_a_redirect_to_a_private_address_is_not_followed(files: dict[str, Path]) -> None:
    public, told = "93.184.216.34", []

    def resolve(host: str, _port: int) -> list[str]:
        told.append(host)
        return ["10.0.0.1"] if host == "inside.example" else [public]

    # With private addresses allowed the loopback storage is reached; multicast never is.
    with bucket(307, location="http://224.0.0.1/x") as store:
        (told_of,) = sent(files, Put("video", store.url()))
    assert (told_of.code, told_of.tries) == ("blocked_address", 1)
    strict = replace(POLICY, allow_private=False)
    (inside,) = sent(files, Put("video", "http://inside.example/"), policy=strict, resolve=resolve)
    assert (inside.code, told) == ("blocked_address", ["inside.example"])


def test_a_storage_that_hangs_is_given_up(files: dict[str, Path]) -> None:
    policy = replace(POLICY, stall_s=0.2)
    with bucket(hangs=True) as store:
        began = time.monotonic()
        (told,) = sent(files, Put("audio", store.url()), policy=policy, waits_s=())
        assert time.monotonic() - began < 3
    assert (told.ok, told.code) == (False, "timeout")


def test_a_wish_to_cancel_is_felt_while_it_waits(files: dict[str, Path]) -> None:
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with bucket(503, 503) as store, pytest.raises(Cancelled):
        sent(files, Put("video", store.url()), watch=Watch(cancel=cancel), waits_s=(30.0,))
    assert time.monotonic() - began < 2
