"""Files as they go out: named after their source, known again, readable from any page."""

from __future__ import annotations

from typing import Any

from tests.api.live import API, PAYLOAD, Live

VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256))


def done(server: Live, title: str | None, **files: str) -> dict[str, Any]:
    """Bring a request to its success with these files, its source called so."""
    request_id = server.submit_async()
    server.take()
    names = {role: f"outputs/{request_id}/{name}" for role, name in files.items()}
    for name in names.values():
        with server.storage.writing(name) as stream:
            stream.write(VIDEO)
    outcome = {"files": names, "report": {}, "notes": [], "title": title}
    server.end(request_id, {"status": "success", "outcome": outcome})
    return server.client.get(f"{API}/requests/{request_id}").json()["outcome"]


FILES = {
    "video": "video.webm",
    "thumbnail": "thumbnail.jpg",
    "section": "section.mp4",
    "audio": "audio.ogg",
    "sheet": "sheet.jpg",
    "report": "report.json",
}
KEYS = {
    "video_url": ("video/webm", "retake.webm"),
    "thumbnail_image_url": ("image/jpeg", "poster.jpg"),
    "section_url": ("video/mp4", "section.mp4"),
    "audio_url": ("audio/ogg", "audio.ogg"),
    "sheet_url": ("image/jpeg", "sheet.jpg"),
    "report_url": ("application/json", "report.json"),
}


def test_every_file_has_its_url_its_type_and_its_name(server: Live) -> None:
    outcome = done(server, "My holiday", **FILES)
    assert outcome["media_urls"][0]["url"] == outcome["video_url"]
    for key, (kind, ending) in KEYS.items():
        answer = server.anybody.get(outcome[key] + "&download=1")
        assert answer.headers["content-type"] == kind
        expected = f'attachment; filename="My holiday-{ending}"'
        assert answer.headers["content-disposition"] == expected


def test_what_is_not_there_has_no_url(server: Live) -> None:
    outcome = done(server, None, video="video.mp4")
    assert outcome["section_url"] is outcome["audio_url"] is None
    shown = server.anybody.get(outcome["video_url"]).headers["content-disposition"]
    assert shown.startswith('inline; filename="retake-')


def test_a_name_that_ascii_lacks_is_told_twice(server: Live) -> None:
    outcome = done(server, 'Ferien "2026" – été', video="video.mp4")
    told = server.anybody.head(outcome["video_url"]).headers["content-disposition"]
    assert told == (
        'inline; filename="Ferien _2026_ ete-retake.mp4"; '
        "filename*=UTF-8''Ferien%20%222026%22%20%E2%80%93%20%C3%A9t%C3%A9-retake.mp4"
    )
    other = done(server, "фильм", video="video.mp4")
    told = server.anybody.head(other["video_url"]).headers["content-disposition"]
    assert 'filename="video-retake.mp4"' in told


def test_a_file_that_is_known_is_not_sent_again(server: Live) -> None:
    url = done(server, None, video="video.mp4")["video_url"]
    tag = server.anybody.get(url).headers["etag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = server.anybody.get(url, headers={"If-None-Match": header})
        assert (answer.status_code, answer.content) == (304, b""), header
    # A tag within another one is not that tag.
    answer = server.anybody.get(url, headers={"If-None-Match": f'"x{tag[1:]}'})
    assert answer.status_code == 200


def test_any_page_may_read_what_it_needs(server: Live) -> None:
    url = done(server, None, video="video.mp4")["video_url"]
    answer = server.anybody.get(
        url, headers={"Origin": "https://app.example", "Range": "bytes=0-3"}
    )
    assert (answer.status_code, answer.content) == (206, VIDEO[:4])
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    wanted = {"Accept-Ranges", "Content-Range", "Content-Disposition", "ETag", "Content-Length"}
    assert wanted <= {*exposed}


def test_an_upload_is_named_as_its_sender_named_it(server: Live) -> None:
    urls = server.client.post(f"{API}/upload-url", json={"file_name": "../Kino: 1.MOV"}).json()
    server.anybody.put(urls["upload_url"], content=VIDEO)
    told = server.anybody.get(urls["public_url"]).headers["content-disposition"]
    assert told == 'inline; filename="Kino_ 1.MOV"'
    bad = server.client.post(f"{API}/upload-url", json={"file_name": 5})
    assert (bad.status_code, bad.json()["param"]) == (400, "file_name")


def test_the_url_that_results_are_sent_to_is_a_secret(server: Live) -> None:
    secret = "https://203.0.114.9/out.mp4?X-Amz-Signature=secret"
    request_id = server.submit_async({**PAYLOAD, "output_put_url": secret})
    shown = server.client.get(f"{API}/requests/{request_id}").text
    assert "https://203.0.114.9/out.mp4?…" in shown
    assert "secret" not in shown + server.client.get(f"{API}/requests").text
    kept = server.call(lambda: server.requests.dispatch.for_engine(request_id))
    assert kept["puts"] == {"video": {"url": secret, "headers": {}}}
    server.client.delete(f"{API}/requests/{request_id}")
    kept = server.call(lambda: server.requests.dispatch.for_engine(request_id))
    assert kept["puts"] is None


def test_a_place_that_may_not_be_reached_is_told_at_submit(shared: Live) -> None:
    for url in ("http://127.0.0.1/x", "http://169.254.169.254/", "ftp://x/y", "x"):
        answer = shared.submit({**PAYLOAD, "output_put_url": {"audio": url}})
        assert answer.status_code == 400
        assert answer.json()["param"] == "output_put_url"
        assert answer.json()["code"] in {"blocked_address", "bad_url"}
