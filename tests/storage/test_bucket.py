"""What is a bucket's own: how it is found, what happens when it does not answer, copies of it."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from retake.core.errors import BadRequest, StorageFailed
from retake.storage.address import S3Address, parse_address
from retake.storage.objects import ObjectStorage
from retake.storage.s3 import open_store, shared_secret
from tests.s3 import S3Server
from tests.s3_faults import Faults
from tests.storages import s3_storage

VIDEO = "outputs/r1/video.mp4"


def put(storage: ObjectStorage, data: bytes, name: str = VIDEO) -> None:
    with storage.unfinished() as part:
        part.write_bytes(data)
        storage.put(name, part)


def test_an_address_is_read() -> None:
    assert parse_address("s3://bucket") == S3Address("bucket", "", None, "us-east-1", False)
    whole = parse_address(
        "s3://my.bucket/a/b/?endpoint=https://s3.example.com:9000/&region=eu-1&virtual_host=true"
    )
    assert whole == S3Address("my.bucket", "a/b", "https://s3.example.com:9000", "eu-1", True)
    assert str(whole) == "s3://my.bucket/a/b at https://s3.example.com:9000"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "begins with"),
        ("/var/lib/retake", "begins with"),
        ("https://s3.example.com/bucket", "begins with 'https'"),
        ("s3://", "'' is not the name of a bucket"),
        ("s3://Bucket", "'Bucket' is not the name"),
        ("s3://bucket/..", "the prefix '..'"),
        ("s3://bucket/a b", "the prefix"),
        ("s3://bucket?endpoint=example.com", "endpoint is no URL"),
        ("s3://bucket?endpoint=ftp://example.com", "endpoint is no URL"),
        ("s3://bucket?access_key=x", "the parameter 'access_key'"),
        ("s3://bucket?virtual_host=yes", "virtual_host is 'yes'"),
        ("s3://bucket:x/", "cannot be read"),
        ("s3://[", "cannot be read"),
    ],
)
def test_an_address_that_is_none_is_told_with_what_was_found(text: str, found: str) -> None:
    with pytest.raises(BadRequest, match=r"accepted is s3://BUCKET") as caught:
        parse_address(text)
    assert caught.value.code == "bad_storage"
    assert found in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIAKEY:hush-hush@bucket/p",
        "s3://bucket?endpoint=https://AKIAKEY:hush-hush@example.com",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_address(text)
    assert "hush" not in caught.value.message
    assert "AKIAKEY" not in caught.value.message


def test_a_storage_without_credentials_is_told_which_to_set(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in s3.env:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StorageFailed, match="AWS_ACCESS_KEY_ID") as caught:
        open_store(parse_address(s3.url()))
    assert caught.value.code == "storage_unavailable"


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-hush"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "InvalidAccessKeyId"),
    ],
)
def test_wrong_credentials_are_told_and_not_repeated(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], found: str
) -> None:
    for name, value in {**s3.env, **changed}.items():
        monkeypatch.setenv(name, value)
    address = parse_address(s3.url())
    with pytest.raises(StorageFailed) as caught:
        shared_secret(open_store(address), address)
    assert caught.value.code == "storage_unavailable"
    assert found in caught.value.message
    assert "hush" not in caught.value.message
    assert address.endpoint is not None
    assert address.endpoint in caught.value.message


def test_a_storage_that_is_not_there_is_told(s3: S3Server, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="cannot be reached: connection refused") as caught:
        s3_storage(s3, s3.url(port=1), tmp_path, retry_s=0.3)
    assert caught.value.retryable


def test_all_who_come_at_once_get_one_secret(s3: S3Server) -> None:
    url, together = s3.url(), threading.Barrier(6)
    address = parse_address(url)

    def come(_: int) -> bytes:
        store = opened.pop()
        together.wait()
        return shared_secret(store, address)

    opened = [_connected(s3, address) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        secrets = set(threads.map(come, range(6)))
    assert len(secrets) == 1
    assert len(secrets.pop()) == 32


def _connected(s3: S3Server, address: S3Address):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.env.items():
            patch.setenv(name, value)
        return open_store(address)


def test_what_answers_503_is_asked_again(s3: S3Server, tmp_path: Path) -> None:
    with Faults(s3) as faults:
        storage = s3_storage(s3, s3.url(port=faults.port), tmp_path)
        faults.answer(503, times=2)
        put(storage, b"video")
        faults.answer(503, times=2)
        with storage.local(VIDEO) as path:
            assert path.read_bytes() == b"video"
        faults.answer(500, times=2)
        storage.delete_tree("outputs/r1")
        assert storage.stat(VIDEO) is None


def test_what_never_answers_well_is_given_up_and_may_be_tried_again(
    s3: S3Server, tmp_path: Path
) -> None:
    with Faults(s3) as faults:
        storage = s3_storage(s3, s3.url(port=faults.port), tmp_path, retry_s=0.5)
        put(storage, b"before")
        faults.down = True
        began = time.monotonic()
        for ask in (
            lambda: put(storage, b"after"),
            lambda: storage.stat(VIDEO),
            lambda: storage.delete_tree("outputs"),
            lambda: storage.folders("outputs"),
        ):
            with pytest.raises(StorageFailed) as caught:
                ask()
            assert (caught.value.code, caught.value.retryable) == ("storage_unavailable", True)
            # It is for users, who are not told where it is.
            assert str(faults.port) not in caught.value.message
        assert time.monotonic() - began < 20
        faults.down = False
        with storage.local(VIDEO) as path:
            assert path.read_bytes() == b"before"


def test_a_large_file_that_breaks_off_is_not_there(s3: S3Server, tmp_path: Path) -> None:
    with Faults(s3) as faults:
        storage = s3_storage(s3, s3.url(port=faults.port), tmp_path, retry_s=0.5)

        def end_soon() -> None:
            while not any("partNumber" in path for _, path in faults.seen):
                time.sleep(0.002)
            faults.down = True

        threading.Thread(target=end_soon, daemon=True).start()
        with pytest.raises(StorageFailed):
            put(storage, bytes(60 * 1024**2))
        faults.down = False
        assert storage.stat(VIDEO) is None
        assert list(storage.files("outputs")) == []


def test_copies_take_no_more_room_than_they_may(s3: S3Server, tmp_path: Path) -> None:
    storage = s3_storage(s3, s3.url(), tmp_path, cache_bytes=2500)
    kept = tmp_path / "kept"
    for number in range(4):
        put(storage, bytes(1000), f"outputs/r{number}/video.mp4")
    for number in range(4):
        with storage.local(f"outputs/r{number}/video.mp4"):
            time.sleep(0.01)
    assert len(list(kept.iterdir())) == 2
    assert list((tmp_path / "held").iterdir()) == []


def test_copies_that_nobody_used_for_an_hour_go(s3: S3Server, tmp_path: Path) -> None:
    storage = s3_storage(s3, s3.url(), tmp_path)
    for number in range(2):
        put(storage, b"x", f"outputs/r{number}/video.mp4")
        with storage.local(f"outputs/r{number}/video.mp4"):
            pass
    first = min((tmp_path / "kept").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    os.utime(first, (time.time() - 3700,) * 2)
    storage.tidy()
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert not first.exists()


def test_a_copy_that_is_in_use_outlives_its_removal(s3: S3Server, tmp_path: Path) -> None:
    storage = s3_storage(s3, s3.url(), tmp_path, cache_bytes=0)
    put(storage, b"one")
    with storage.local(VIDEO) as path:
        assert list((tmp_path / "kept").iterdir()) == []
        assert path.read_bytes() == b"one"
        assert path.suffix == ".mp4"
        put(storage, b"two")
        assert path.read_bytes() == b"one"
    assert not path.exists()
    with storage.local(VIDEO) as path:
        assert path.read_bytes() == b"two"


def test_a_copy_is_fetched_once(s3: S3Server, tmp_path: Path) -> None:
    with Faults(s3) as faults:
        storage = s3_storage(s3, s3.url(port=faults.port), tmp_path)
        put(storage, b"video")
        for _ in range(3):
            with storage.local(VIDEO) as path:
                assert path.read_bytes() == b"video"
        gets = [path for method, path in faults.seen if method == "GET" and "video.mp4" in path]
        assert len(gets) == 1


def test_the_storage_itself_gives_a_file_out_for_a_while(s3: S3Server, tmp_path: Path) -> None:
    storage = s3_storage(s3, s3.url(), tmp_path)
    put(storage, b"0123456789")
    url = storage.link(VIDEO, 60)
    assert httpx.get(url, headers={"Range": "bytes=2-4"}).content == b"234"
    assert httpx.get(url.replace("video.mp4", "other.mp4")).status_code == 403
    assert httpx.get(url.partition("?")[0]).status_code == 403
