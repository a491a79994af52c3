"""What nobody needs any more goes; what somebody needs stays."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from retake.api.cleaning import Cleaner
from retake.storage.upload import UploadPolicy
from tests.api.live import API, PAYLOAD, Live, live

DAY = 24 * 3600
VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256))


class Clock:
    """The server's time; files are as old as they would be by then."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


def uploaded(server: Live) -> dict[str, str]:
    return server.client.post(f"{API}/uploads", content=VIDEO).json()


def clean(server: Live) -> None:
    server.do(Cleaner(server.parts).clean())


def is_there(server: Live, upload: dict[str, str]) -> bool:
    return server.client.get(upload["url"]).status_code == 200


def done(server: Live) -> dict:
    request_id = server.submit_async()
    assert server.take() == request_id
    server.finish(request_id)
    return record_of(server, request_id)


def record_of(server: Live, request_id: str) -> dict:
    return server.client.get(f"{API}/requests/{request_id}").json()


def code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["code"]


def test_an_upload_goes_when_its_time_is_over(tmp_path: Path, clock: Clock) -> None:
    with live(tmp_path, now=clock, upload_policy=UploadPolicy(ttl_s=DAY)) as server:
        old = uploaded(server)
        begun = server.client.post(
            f"{API}/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9"}
        ).headers["location"]
        server.client.post(f"{API}/upload-url", json={"file_name": "never came.mp4"})
        clean(server)
        assert is_there(server, old)
        clock.ahead = DAY + 1
        assert not is_there(server, old)
        assert code(server.submit({**PAYLOAD, "video_uri": old["url"]}), 400) == "upload_not_found"
        clock.ahead = DAY + 3600
        clean(server)
        assert server.client.get(begun).status_code == 404
        assert server.everything() == []


def test_an_upload_s_time_begins_anew_when_it_is_used(tmp_path: Path, clock: Clock) -> None:
    with live(tmp_path, now=clock, upload_policy=UploadPolicy(ttl_s=DAY)) as server:
        used = uploaded(server)
        clock.ahead = DAY - 60
        server.submit_async({**PAYLOAD, "video_uri": used["url"]})
        server.take()
        clock.ahead = DAY + 60
        clean(server)
        assert is_there(server, used)


def test_an_upload_stays_while_a_request_needs_it(tmp_path: Path, clock: Clock) -> None:
    with live(tmp_path, now=clock, upload_policy=UploadPolicy(ttl_s=DAY)) as server:
        used = uploaded(server)
        request_id = server.submit_async({**PAYLOAD, "video_uri": used["url"]})
        assert code(server.client.delete(used["url"]), 409) == "file_in_use"
        server.take()
        clock.ahead = 3 * DAY
        clean(server)
        assert list(server.storage.files("uploads"))
        server.finish(request_id)
        clean(server)
        assert not list(server.storage.files("uploads"))


def test_results_are_kept_for_ever_unless_told_otherwise(tmp_path: Path, clock: Clock) -> None:
    with live(tmp_path, now=clock, url_ttl_s=10**9) as server:
        record = done(server)
        assert record["outcome"]["files_expire_at"] is None
        clock.ahead = 4000 * DAY
        clean(server)
        assert server.anybody.get(record["outcome"]["video_url"]).status_code == 200


def test_results_go_when_their_time_is_over(tmp_path: Path, clock: Clock) -> None:
    with live(tmp_path, now=clock, keep_results_s=DAY, url_ttl_s=10 * DAY) as server:
        record = done(server)
        outcome = record["outcome"]
        assert outcome["files_expire_at"] == outcome["expires_at"] == record["finished_at"] + DAY
        clock.ahead = DAY - 60
        clean(server)
        assert server.anybody.get(outcome["video_url"]).status_code == 200
        clock.ahead = DAY + 60
        clean(server)
        assert code(server.anybody.get(outcome["video_url"]), 410) == "file_removed"
        after = record_of(server, record["request_id"])
        assert after["status"] == "success"
        assert after["outcome"]["media_urls"] == []
        assert after["outcome"]["video_url"] is None
        assert after["outcome"]["files_removed_at"] > 0
        assert after["report"] == record["report"]
        assert not list(server.storage.files("outputs"))


def test_a_result_that_is_the_source_of_another_request_stays(tmp_path: Path, clock: Clock) -> None:
    with live(tmp_path, now=clock, keep_results_s=DAY) as server:
        record = done(server)
        server.submit_async({**PAYLOAD, "video_uri": record["outcome"]["video_url"]})
        files = f"{API}/requests/{record['request_id']}/files"
        assert code(server.client.delete(files), 409) == "file_in_use"
        clock.ahead = 2 * DAY
        clean(server)
        assert record_of(server, record["request_id"])["outcome"]["video_url"]


def test_results_are_removed_when_their_user_asks_for_it(server: Live) -> None:
    record = done(server)
    files = f"{API}/requests/{record['request_id']}/files"
    theirs = {"Authorization": f"Bearer {server.other_key}"}
    assert code(server.client.delete(files, headers=theirs), 404) == "unknown_request"
    for _ in range(2):
        answer = server.client.delete(files)
        assert answer.status_code == 200
        assert answer.json()["outcome"]["media_urls"] == []
    gone = server.anybody.get(record["outcome"]["thumbnail_image_url"])
    assert code(gone, 410) == "file_removed"
    used = server.submit({**PAYLOAD, "video_uri": record["outcome"]["video_url"]})
    assert code(used, 400) == "upload_not_found"
    assert not list(server.storage.files("outputs"))


def test_a_request_that_has_not_ended_has_no_files_to_remove(server: Live) -> None:
    request_id = server.submit_async()
    files = f"{API}/requests/{request_id}/files"
    assert code(server.client.delete(files), 409) == "not_ended"
    server.client.delete(f"{API}/requests/{request_id}")
    assert server.client.delete(files).json()["status"] == "cancelled"


def test_what_a_killed_server_left_behind_goes_at_the_next_start(server: Live) -> None:
    kept = done(server)["request_id"]
    waiting = server.submit_async()
    cancelled = server.submit_async()
    server.client.delete(f"{API}/requests/{cancelled}")
    for name in (waiting, cancelled, "nobody"):
        with server.storage.writing(f"outputs/{name}/video.mp4") as stream:
            stream.write(VIDEO)
    server.do(Cleaner(server.parts).sweep())
    left = {one.name.split("/")[1] for one in server.storage.files("outputs")}
    # What nobody knows may be another server's, where several may use the storage.
    assert left == {kept, waiting} | ({"nobody"} if server.storage.shared else set())


def test_what_machines_handed_over_goes_with_the_end_of_its_request(server: Live) -> None:
    ended = done(server)["request_id"]
    waiting = server.submit_async()
    for name in (ended, waiting, "nobody"):
        with server.storage.writing(f"work/{name}/take.mkv") as stream:
            stream.write(VIDEO)
    clean(server)
    left = {one.name.split("/")[1] for one in server.storage.files("work")}
    assert left == {waiting, "nobody"}


def test_it_cleans_by_itself(tmp_path: Path, clock: Clock) -> None:
    with live(tmp_path, now=clock) as server:
        upload = uploaded(server)
        cleaner = Cleaner(server.parts, every_s=0.05)
        server.call(cleaner.start)
        clock.ahead = 3 * DAY
        until = time.monotonic() + 5
        while server.everything() and time.monotonic() < until:
            time.sleep(0.02)
        assert server.everything() == []
        server.do(cleaner.stop())
        assert not is_there(server, upload)
