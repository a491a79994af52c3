from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import BadRequest, StorageFailed
from retake.storage import LocalStorage, safe_name

SECRET = bytes(range(32))


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files", SECRET)


def everything_below(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def test_a_put_file_is_found_under_its_name_and_its_original_may_go(
    storage: LocalStorage, tmp_path: Path
) -> None:
    made = tmp_path / "made.mp4"
    made.write_bytes(b"video")
    storage.put("outputs/r1/video.mp4", made)
    made.unlink()

    assert storage.path("outputs/r1/video.mp4").read_bytes() == b"video"


def test_putting_again_replaces_the_file(storage: LocalStorage, tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        made = tmp_path / content.decode()
        made.write_bytes(content)
        storage.put("outputs/r1/video.mp4", made)
    assert storage.path("outputs/r1/video.mp4").read_bytes() == b"two"
    assert everything_below(tmp_path / "files") == ["outputs/r1/video.mp4"]


def test_putting_the_same_file_again_leaves_nothing_beside_it(
    storage: LocalStorage, tmp_path: Path
) -> None:
    # A step that was interrupted behind its last `put` is done again: both are one file by then.
    original = tmp_path / "video"
    original.write_bytes(b"picture")
    for _ in range(2):
        storage.put("outputs/r/video.mp4", original)
    assert list((storage.root / ".incoming").iterdir()) == []


def test_what_is_written_appears_only_at_the_end(storage: LocalStorage, tmp_path: Path) -> None:
    target = storage.path("uploads/k/a.mp4")
    with storage.writing("uploads/k/a.mp4") as stream:
        stream.write(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half"


def test_an_error_while_writing_leaves_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), storage.writing("uploads/k/a.mp4") as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert everything_below(tmp_path / "files") == []


def test_writing_the_same_again_is_fine_and_something_else_is_refused(
    storage: LocalStorage, tmp_path: Path
) -> None:
    for _ in range(2):
        with storage.writing("uploads/k/a.mp4") as stream:
            stream.write(b"same")
    with (
        pytest.raises(StorageFailed, match="another file") as caught,
        storage.writing("uploads/k/a.mp4") as stream,
    ):
        stream.write(b"diff")
    assert caught.value.code == "exists"
    assert storage.path("uploads/k/a.mp4").read_bytes() == b"same"
    assert everything_below(tmp_path / "files") == ["uploads/k/a.mp4"]


def test_a_full_disk_is_told_as_such_and_leaves_nothing(
    storage: LocalStorage, tmp_path: Path
) -> None:
    # A limit on the file size is the nearest a test gets to a full disk without one of its own.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with (
            pytest.raises(StorageFailed) as caught,
            storage.writing("uploads/k/a.mp4") as stream,
        ):
            stream.write(bytes(5000))
            stream.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.code == "storage"
    assert everything_below(tmp_path / "files") == []


def test_no_space_left_on_a_real_full_device_is_disk_full(storage: LocalStorage) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(StorageFailed) as caught, storage.writing("uploads/k/a.mp4"):
        fd = os.open("/dev/full", os.O_WRONLY)
        try:
            os.write(fd, b"x")
        finally:
            os.close(fd)
    assert (caught.value.code, caught.value.retryable) == ("disk_full", True)


@pytest.mark.parametrize(
    "name",
    [
        "", "/etc/passwd", "..", "../secret", "outputs/../../secret", "outputs//x", "outputs/",
        ".incoming/x", "outputs/.hidden", "a\\b", "a\0b", "a\nb", "ä.mp4", "a b", "C:evil",
        "x" * 200, "/".join("x" * 9), "outputs/x\n", "-rf", "~root",
    ],
)  # fmt: skip
def test_an_unsafe_name_is_refused(storage: LocalStorage, name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        storage.path(name)
    assert caught.value.code == "bad_name"


@given(st.text(alphabet="./\\ab\0~%\n", max_size=30))
def test_a_safe_name_stays_below_the_root(name: str) -> None:
    if safe_name(name):
        root = Path("/some/root")
        assert os.path.normpath(root / name) == str(root / name)
        assert (root / name).is_relative_to(root)


def test_deleting_removes_a_folder_or_a_file_and_what_is_not_there_is_fine(
    storage: LocalStorage, tmp_path: Path
) -> None:
    for name in ("outputs/r1/video.mp4", "outputs/r1/sheet.jpg", "uploads/k/a.mp4"):
        with storage.writing(name) as stream:
            stream.write(b"x")
    storage.delete_tree("outputs/r1")
    storage.delete_tree("uploads/k/a.mp4")
    storage.delete_tree("outputs/r1")
    assert everything_below(tmp_path / "files") == []


def test_sweeping_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "files", SECRET)
    with storage.writing("uploads/k/a.mp4") as stream:
        stream.write(b"x")
    pid = os.fork()
    if pid == 0:
        with storage.writing("uploads/k/b.mp4") as stream:
            stream.write(b"half")
            stream.flush()
            os._exit(9)
    os.waitpid(pid, 0)
    assert len(everything_below(tmp_path / "files")) == 2
    LocalStorage(tmp_path / "files", SECRET).sweep()
    assert everything_below(tmp_path / "files") == ["uploads/k/a.mp4"]


def test_a_signature_holds_for_one_name_method_expiry_and_secret_only(
    storage: LocalStorage, tmp_path: Path
) -> None:
    signature = storage.sign("outputs/r1/video.mp4", 1000, "GET")
    assert storage.check("outputs/r1/video.mp4", 1000, "GET", signature)
    assert not storage.check("outputs/r2/video.mp4", 1000, "GET", signature)
    assert not storage.check("outputs/r1/video.mp4", 1001, "GET", signature)
    assert not storage.check("outputs/r1/video.mp4", 1000, "PUT", signature)
    other = LocalStorage(tmp_path / "other", bytes(32))
    assert not other.check("outputs/r1/video.mp4", 1000, "GET", signature)
    for wrong in ("", signature.upper(), signature + "0", "é" * 64, "\ud800"):
        assert not storage.check("outputs/r1/video.mp4", 1000, "GET", wrong)


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        LocalStorage(tmp_path, b"short")
