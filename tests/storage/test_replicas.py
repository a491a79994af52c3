"""Uploads that several servers take in together: any of them goes on where another stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st

from retake.core.errors import BadRequest
from retake.storage.object_pieces import pieces_of
from retake.storage.objects import ObjectStorage
from retake.storage.upload import Upload
from retake.storage.uploads import Uploads
from tests.s3 import S3Server
from tests.storages import s3_storage

DAY = 24 * 3600
MIB = 1024**2


@pytest.fixture
def storage(s3: S3Server, tmp_path: Path) -> ObjectStorage:
    return s3_storage(s3, s3.url(), tmp_path / "one")


@pytest.fixture
def other(s3: S3Server, storage: ObjectStorage, tmp_path: Path) -> ObjectStorage:
    return s3_storage(s3, storage_url(s3, storage), tmp_path / "two")


def storage_url(s3: S3Server, storage: ObjectStorage) -> str:
    return s3.url(storage.address.prefix)


def uploads(storage: ObjectStorage, now: Callable[[], float] = time.time) -> Uploads:
    return storage.uploads(DAY, now)


def found(uploads: Uploads, upload: Upload) -> Upload:
    again = uploads.find(upload.key_id, upload.upload_id)
    assert again is not None
    return again


def add(uploads: Uploads, upload: Upload, data: bytes) -> None:
    piece = uploads.piece(found(uploads, upload), checked=False)
    piece.write(data)
    piece.keep()


def test_pieces_may_come_to_any_of_them(storage: ObjectStorage, other: ObjectStorage) -> None:
    both = (uploads(storage), uploads(other))
    data = os.urandom(1000)
    new = both[0].announce("k", "mp4", length=1000, file_name="a.mp4")
    for number in range(10):
        add(both[number % 2], new, data[number * 100 :][:100])
        assert found(both[(number + 1) % 2], new).offset == (number + 1) * 100
    whole = found(both[1], new)
    with both[1].whole(whole) as path:
        assert path.read_bytes() == data
        both[1].finish(whole, path)
    done = found(both[0], new)
    assert (done.complete, done.length, done.file_name) == (True, 1000, "a.mp4")
    assert [one.upload_id for one in both[0].of_key("k")] == [new.upload_id]
    assert list(storage.files(f".coming/k/{new.upload_id}")) == []
    both[1].remove("k", new.upload_id)
    assert both[0].find("k", new.upload_id) is None
    assert [one.name for one in storage.files("") if not one.name.startswith(".retake")] == []


def test_of_two_that_write_at_once_one_is_told_and_nothing_is_mixed(
    storage: ObjectStorage, other: ObjectStorage
) -> None:
    both = (uploads(storage), uploads(other))
    new = both[0].announce("k", "mp4", length=40 * MIB)
    at = found(both[0], new)

    def send(number: int) -> bool:
        piece = both[number].piece(at, checked=False)
        try:
            for _ in range(20):
                piece.write(bytes([number + 1]) * MIB)
            piece.keep()
        except BadRequest as error:
            assert (error.code, error.retryable) == ("upload_interrupted", True)
            piece.leave()
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        won = list(threads.map(send, range(2)))
    assert not all(won)
    now = found(both[1], new)
    assert now.offset > 0
    with both[0].whole(now) as path:
        data = path.read_bytes()
    assert len(data) == now.offset
    # Each object is of one of them alone: 8 MiB at a time.
    for start in range(0, len(data), 8 * MIB):
        assert len(set(data[start : start + 8 * MIB])) == 1


def test_two_that_finish_at_once_both_see_it_done(
    storage: ObjectStorage, other: ObjectStorage
) -> None:
    both = (uploads(storage), uploads(other))
    new = both[0].announce("k", "mp4", length=3)
    add(both[0], new, b"abc")
    whole = found(both[0], new)
    with both[0].whole(whole) as one, both[1].whole(whole) as two:
        both[0].finish(whole, one)
        both[1].finish(whole, two)
    assert found(both[0], new).complete
    with storage.local(new.name) as path:
        assert path.read_bytes() == b"abc"


def test_a_piece_that_is_compared_is_seen_only_then(storage: ObjectStorage) -> None:
    here = uploads(storage)
    new = here.announce("k", "mp4", length=100)
    dropped = here.piece(found(here, new), checked=True)
    dropped.write(b"x" * 50)
    dropped.leave()
    assert found(here, new).offset == 0
    kept = here.piece(found(here, new), checked=True)
    kept.write(b"x" * 50)
    assert found(here, new).offset == 0
    kept.keep()
    assert found(here, new).offset == 50


def test_an_upload_is_used_by_no_one_once_it_may_be_removed(storage: ObjectStorage) -> None:
    ahead = [0.0]

    def now() -> float:
        return time.time() + ahead[0]

    here = uploads(storage, now)
    new = here.announce("k", "mp4")
    with storage.writing(new.name) as stream:
        stream.write(b"video")
    assert list(here.expired()) == []
    ahead[0] = DAY - 100
    assert here.use(new.name)
    ahead[0] = 2 * DAY - 200
    assert here.use(new.name)
    ahead[0] = 4 * DAY
    assert not here.use(new.name)
    # Nobody has touched it for longer than its time and the grace.
    assert list(here.expired()) == [("k", new.upload_id)]


@checked(max_examples=15)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    stray=st.lists(st.tuples(st.integers(0, 120), st.integers(1, 40)), max_size=4),
)
def test_only_an_unbroken_row_counts(
    shared_storage: ObjectStorage, sizes: list[int], stray: list[tuple[int, int]]
) -> None:
    folder = f".coming/k/{os.urandom(8).hex()}"
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    row = dict(zip([0, *ends], sizes, strict=False))
    # What a server that lost its turn left behind the end: not where the row goes on.
    others = {start: size for start, size in stray if start not in {0, *ends}}
    for start, size in {**others, **row}.items():
        put(shared_storage, f"{folder}/{start:015d}", bytes([start % 256]) * size)
    assert [one.size for one in pieces_of(shared_storage, folder)] == sizes


@pytest.fixture(scope="module")
def shared_storage(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> ObjectStorage:
    return s3_storage(s3, s3.url(), tmp_path_factory.mktemp("pieces"))


def put(storage: ObjectStorage, name: str, data: bytes) -> None:
    obstore.put(storage.store, name, data)
