"""What holds for every storage, a folder and a bucket alike."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retake.core.errors import BadRequest, StorageFailed
from retake.storage import Storage

VIDEO = "outputs/r1/video.mp4"
BIG = 40 * 1024**2
"""More than goes in one request."""


def names(storage: Storage) -> list[str]:
    return sorted(one.name for one in storage.files("outputs"))


def content(storage: Storage, name: str) -> bytes:
    with storage.local(name) as path:
        return path.read_bytes()


def put(storage: Storage, folder: Path, data: bytes, name: str = VIDEO) -> None:
    made = folder / "made"
    made.write_bytes(data)
    storage.put(name, made)
    made.unlink()


def some_of(storage: Storage, name: str, first: int, end: int) -> bytes:
    async def read() -> bytes:
        return b"".join([piece async for piece in await storage.open(name, first, end)])

    return asyncio.run(read())


def test_a_put_file_is_found_and_its_original_may_go(storage: Storage, tmp_path: Path) -> None:
    put(storage, tmp_path, b"video")
    assert content(storage, VIDEO) == b"video"
    found = storage.stat(VIDEO)
    assert found is not None
    assert (found.name, found.size) == (VIDEO, 5)
    assert storage.stat("outputs/r1/other.mp4") is None
    assert storage.stat("outputs/r1") is None


def test_putting_again_replaces_it_and_changes_its_tag(storage: Storage, tmp_path: Path) -> None:
    put(storage, tmp_path, b"one")
    before = storage.stat(VIDEO)
    put(storage, tmp_path, b"two")
    after = storage.stat(VIDEO)
    assert content(storage, VIDEO) == b"two"
    assert before is not None
    assert after is not None
    assert before.etag != after.etag


def test_what_is_written_appears_only_at_the_end(storage: Storage) -> None:
    with storage.writing(VIDEO) as stream:
        stream.write(b"half")
        stream.flush()
        assert storage.stat(VIDEO) is None
    assert content(storage, VIDEO) == b"half"


def test_an_error_while_writing_leaves_nothing(storage: Storage) -> None:
    with pytest.raises(KeyboardInterrupt), storage.writing(VIDEO) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert names(storage) == []


def test_writing_the_same_again_is_fine_and_something_else_is_refused(storage: Storage) -> None:
    for _ in range(2):
        with storage.writing(VIDEO) as stream:
            stream.write(b"same")
    for other in (b"diff", b"longer"):
        with pytest.raises(StorageFailed) as caught, storage.writing(VIDEO) as stream:
            stream.write(other)
        assert caught.value.code == "exists"
    assert content(storage, VIDEO) == b"same"


def test_of_several_that_write_one_name_at_once_one_wins(
    reopened: Callable[[], Storage], tmp_path: Path
) -> None:
    storages = [reopened() for _ in range(4)]

    def write(number: int) -> bool:
        try:
            with storages[number].writing(VIDEO) as stream:
                stream.write(b"%d" % number * 1000)
        except StorageFailed as error:
            assert error.code == "exists"
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        won = list(threads.map(write, range(4)))
    if not storages[0].shared:
        # One process looks after a folder; for a bucket that is asked of the server.
        assert any(won)
        return
    assert won.count(True) == 1
    assert content(storages[0], VIDEO) == b"%d" % won.index(True) * 1000


def test_a_large_file_comes_back_as_it_was(storage: Storage, tmp_path: Path) -> None:
    data = os.urandom(1024**2) * (BIG // 1024**2)
    put(storage, tmp_path, data)
    assert content(storage, VIDEO) == data
    assert some_of(storage, VIDEO, BIG - 5, BIG) == data[-5:]
    # The same by the other way, and another one.
    for same in (True, False):
        with storage.unfinished() as part:
            part.write_bytes(data if same else data[:-1] + b"x")
            if same:
                storage.keep(part, VIDEO)
                continue
            with pytest.raises(StorageFailed) as caught:
                storage.keep(part, VIDEO)
            assert caught.value.code == "exists"


def test_a_file_is_read_by_ranges(storage: Storage, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    put(storage, tmp_path, data)
    for first, end in ((0, len(data)), (0, 1), (1000, 700_000), (len(data) - 1, len(data))):
        assert some_of(storage, VIDEO, first, end) == data[first:end]


def test_what_is_not_there_is_told(storage: Storage, tmp_path: Path) -> None:
    for ask in (
        lambda: content(storage, VIDEO),
        lambda: storage.bring(VIDEO, tmp_path / "here"),
        lambda: some_of(storage, VIDEO, 0, 1),
    ):
        with pytest.raises(StorageFailed) as caught:
            ask()
        assert caught.value.code == "file_gone"
    assert not (tmp_path / "here").exists()


def test_a_file_is_brought_to_where_it_is_wanted_and_stays(
    storage: Storage, tmp_path: Path
) -> None:
    put(storage, tmp_path, b"video")
    wanted = tmp_path / "work" / "r1" / "source.mp4"
    for _ in range(2):
        storage.bring(VIDEO, wanted)
    storage.delete_tree("outputs")
    assert wanted.read_bytes() == b"video"
    assert [path.name for path in wanted.parent.iterdir()] == ["source.mp4"]


def test_files_and_folders_are_listed(storage: Storage, tmp_path: Path) -> None:
    assert storage.folders("outputs") == []
    for name in (VIDEO, "outputs/r1/sheet.jpg", "outputs/r2/deep/er/x.mp4"):
        put(storage, tmp_path, b"x", name)
    assert set(storage.folders("outputs")) == {"r1", "r2"}
    assert names(storage) == ["outputs/r1/sheet.jpg", VIDEO, "outputs/r2/deep/er/x.mp4"]


def test_deleting_removes_a_folder_or_a_file_and_nothing_that_merely_begins_so(
    storage: Storage, tmp_path: Path
) -> None:
    for name in (VIDEO, "outputs/r1/sheet.jpg", "outputs/r11/video.mp4"):
        put(storage, tmp_path, b"x", name)
    storage.delete_tree("outputs/r1")
    storage.delete_tree("outputs/r1")
    assert names(storage) == ["outputs/r11/video.mp4"]
    storage.delete_tree("outputs/r11/video.mp4")
    assert names(storage) == []


@pytest.mark.parametrize("name", ["", "..", "a/../b", ".coming/x", "a//b", "/a", "a b", "é"])
def test_an_unsafe_name_is_refused_whatever_is_asked(
    storage: Storage, tmp_path: Path, name: str
) -> None:
    (tmp_path / "made").write_bytes(b"x")
    for ask in (
        lambda: storage.stat(name),
        lambda: storage.here(name),
        lambda: storage.put(name, tmp_path / "made"),
        lambda: storage.delete_tree(name),
        lambda: some_of(storage, name, 0, 1),
    ):
        with pytest.raises(BadRequest) as caught:
            ask()
        assert caught.value.code == "bad_name"


def test_a_signature_holds_for_whoever_opens_the_same_storage(
    reopened: Callable[[], Storage],
) -> None:
    signature = reopened().sign(VIDEO, 1000, "GET")
    assert reopened().check(VIDEO, 1000, "GET", signature)
    assert not reopened().check(VIDEO, 1000, "PUT", signature)
