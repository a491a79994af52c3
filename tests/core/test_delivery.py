"""output_put_url: what is accepted, and what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from retake.core.delivery import Delivery, check_delivery, shown_url
from retake.core.errors import BadRequest

URL = "https://user:pw@bucket.example/a/b.mp4?X-Amz-Signature=secret#frag"


def test_one_url_is_for_the_video() -> None:
    found = check_delivery({"output_put_url": f" {URL} "})
    assert found is not None
    assert [(put.role, put.url) for put in found.puts] == [("video", URL)]
    assert found.echoed(URL) == "https://bucket.example/a/b.mp4?…"


def test_an_object_names_results_and_headers() -> None:
    sent = {"audio": URL, "video": {"url": URL, "headers": {"x-ms-blob-type": "BlockBlob"}}}
    found = check_delivery({"output_put_url": sent})
    assert found is not None
    assert Delivery.from_dict(found.to_dict()) == found
    shown = found.echoed(sent)
    assert shown == dict.fromkeys(("audio", "video"), "https://bucket.example/a/b.mp4?…")
    assert "secret" not in str(shown)


def test_nothing_asked_is_nothing_sent() -> None:
    assert check_delivery({}) is check_delivery({"output_put_url": None}) is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (5, "wrong_type"),
        ([], "wrong_type"),
        ("", "wrong_type"),
        ({}, "missing"),
        ({"film": URL}, "unknown_output"),
        ({"video": 5}, "wrong_type"),
        ({"video": {}}, "wrong_type"),
        ({"video": "x" * 9000}, "uri_too_long"),
        ({"video": {"url": URL, "headers": []}}, "wrong_type"),
        ({"video": {"url": URL, "headers": {"Host": "x"}}}, "bad_put_header"),
        ({"video": {"url": URL, "headers": {"content-length": "1"}}}, "bad_put_header"),
        ({"video": {"url": URL, "headers": {"a b": "1"}}}, "bad_put_header"),
        ({"video": {"url": URL, "headers": {"a": "1\r\nb: 2"}}}, "bad_put_header"),
        ({"video": {"url": URL, "headers": {"a": 1}}}, "bad_put_header"),
        ({"video": {"url": URL, "headers": {f"a{n}": "" for n in range(17)}}}, "bad_put_header"),
    ],
)
def test_what_makes_no_sense_is_told(value: Any, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_delivery({"output_put_url": value})
    assert caught.value.code == code
    assert (caught.value.param or "").startswith("output_put_url")
    assert "secret" not in caught.value.message


def test_a_url_that_is_none_is_not_shown() -> None:
    assert shown_url("http://[") == "…"
