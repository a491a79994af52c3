"""A request that one machine began is ended by another: what steps made is found there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retake.core.errors import StorageFailed
from retake.core.request import check_payload
from retake.core.watch import Watch
from retake.steps.handover import COPIES, HandedOver
from retake.steps.publish import StorageShelf
from retake.steps.run import Finished, Job, Parts, run
from retake.storage.objects import ObjectStorage
from tests.s3 import S3Server
from tests.storages import s3_storage
from tests.takes.quick import Quick
from tests.takes.walking import LIMITS, Recorded, keeping

ASKED = {"start_time": 1, "duration": 1, "prompt": "rain", "seed": 7}
UPLOAD = "uploads/k/source.mp4"


class Died(BaseException):
    """The machine is gone."""


class Machine:
    """A machine that works on requests: its own disk, the storage that all share."""

    def __init__(self, folder: Path, storage: ObjectStorage) -> None:
        self.folder = folder
        self.storage = storage
        self.did: list[str] = []

    def work(
        self, records: Recorded, payload: dict[str, Any], dies_at: str | None = None
    ) -> Finished:
        request, _ = check_payload({"video_uri": "https://example.com/v.mp4", **payload}, LIMITS)
        job = Job(replace(request, video_uri=UPLOAD), 7, self.folder / "work" / "r1")

        def before(name: str) -> None:
            if name == dies_at:
                raise Died
            self.did.append(name)

        def fetch(name: str, dest: Path, watch: Watch) -> Path:
            path = dest.parent / COPIES / name
            self.storage.bring(name, path)
            return path

        files = HandedOver(self.storage, "r1", job.work, keeping(records, before))
        shelf = StorageShelf(self.storage, "r1")
        return run(job, Parts(Quick(), fetch, shelf, LIMITS, files), files.step, Watch())


@pytest.fixture
def storage(s3: S3Server, tmp_path: Path, clip: Path) -> ObjectStorage:
    storage = s3_storage(s3, s3.url(), tmp_path / "copies")
    storage.put(UPLOAD, clip)
    return storage


def video_of(storage: ObjectStorage) -> bytes:
    with storage.local("outputs/r1/video.mp4") as path:
        return path.read_bytes()


def names(storage: ObjectStorage, folder: str) -> set[str]:
    return {one.name for one in storage.files(folder)}


@pytest.fixture(scope="module")
def alone(s3: S3Server, tmp_path_factory: pytest.TempPathFactory, clip: Path) -> bytes:
    """The video that one machine makes by itself."""
    folder = tmp_path_factory.mktemp("alone")
    storage = s3_storage(s3, s3.url(), folder / "copies")
    storage.put(UPLOAD, clip)
    Machine(folder, storage).work({}, ASKED)
    return video_of(storage)


@pytest.mark.parametrize("dies_at", ["generate", "render", "publish"])
def test_another_machine_goes_on_behind_the_last_step_that_was_recorded(
    storage: ObjectStorage, tmp_path: Path, alone: bytes, dies_at: str
) -> None:
    records: Recorded = {}
    first, second = Machine(tmp_path / "one", storage), Machine(tmp_path / "two", storage)
    with pytest.raises(Died):
        first.work(records, ASKED, dies_at)
    second.work(records, ASKED)
    assert first.did + second.did == ["fetch", "generate", "render", "publish"]
    assert video_of(storage) == alone
    if dies_at == "publish":
        # What was rendered is all that it needs.
        here = {path.name for path in (second.folder / "work/r1").rglob("*")}
        assert not here & {"take.mkv", "take.wav"}
    # Another machine has its folders elsewhere.
    assert not [text for text in _texts(records) if str(tmp_path) in text]


def test_several_takes_leave_none_of_theirs_once_they_are_rendered(
    storage: ObjectStorage, tmp_path: Path
) -> None:
    records: Recorded = {}
    asked = {**ASKED, "takes": 2}
    with pytest.raises(Died):
        Machine(tmp_path / "one", storage).work(records, asked, "render take 2")
    left = names(storage, "work")
    assert "work/r1/take2/take.mkv" in left
    assert "work/r1/take.mkv" not in left
    second = Machine(tmp_path / "two", storage)
    second.work(records, asked)
    assert "generate" not in " ".join(second.did)
    assert not {name for name in names(storage, "work") if "take.mkv" in name}
    assert {"outputs/r1/video.mp4", "outputs/r1/video-2.mp4"} <= names(storage, "outputs")


def test_a_file_that_is_gone_is_told(storage: ObjectStorage, tmp_path: Path) -> None:
    records: Recorded = {}
    with pytest.raises(Died):
        Machine(tmp_path / "one", storage).work(records, ASKED, "render")
    storage.delete_tree("work/r1")
    with pytest.raises(StorageFailed) as caught:
        Machine(tmp_path / "two", storage).work(records, ASKED)
    assert caught.value.code == "file_gone"


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for each in value.values() for text in _texts(each)]
        case list():
            return [text for each in value for text in _texts(each)]
        case _:
            return []
