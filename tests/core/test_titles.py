"""Names from outside, made safe."""

from __future__ import annotations

import unicodedata
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.api.sending import disposition
from retake.core.titles import MAX_TITLE, file_title, title_from_uri, without_ending

NAMES = st.text(max_size=300) | st.text('ab. /\\:?*"<>|\x00\u202e…é', max_size=40)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("clip.mp4", "clip.mp4"),
        ("C:\\Users\\me\\My clip.mp4", "My clip.mp4"),
        ("/etc/passwd", "passwd"),
        ("../..", None),
        ("", None),
        (None, None),
        ("été à la mer.mov", "été à la mer.mov"),
        ("evil\u202egnp.mp4", "evilgnp.mp4"),
        ("a\r\nSet-Cookie: x.mp4", "aSet-Cookie_ x.mp4"),
        ("x" * 200 + ".webm", "x" * 75 + ".webm"),
        ("what?.mp4", "what_.mp4"),
        (".hidden", "hidden"),
    ],
)
def test_a_name_keeps_what_is_safe_of_it(name: str | None, title: str | None) -> None:
    assert file_title(name) == title


@given(NAMES)
def test_a_title_is_always_one_that_every_system_takes(name: str) -> None:
    title = file_title(name)
    if title is None:
        return
    assert 0 < len(title) <= MAX_TITLE
    assert not set(title) & set('<>:"/\\|?*\x00')
    assert title == title.strip(". ")
    assert all(unicodedata.category(c) not in {"Cc", "Cf"} for c in title)
    assert file_title(title) == title


@pytest.mark.parametrize(
    ("uri", "title"),
    [
        ("https://example.com/a/My%20film.mp4?x=1", "My film"),
        ("https://example.com/%D1%84%D0%B8%D0%BB%D1%8C%D0%BC.mp4", "фильм"),
        ("https://example.com/", None),
        ("https://example.com/watch", "watch"),
        ("https://example.com/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("http://[", None),
    ],
)
def test_a_url_s_last_part_is_its_title(uri: str, title: str | None) -> None:
    assert title_from_uri(uri) == title


def test_an_ending_is_short() -> None:
    assert without_ending("a.b.mp4") == "a.b"
    assert without_ending("a sentence. With a dot in it") == "a sentence. With a dot in it"


@given(NAMES, st.booleans())
def test_the_header_tells_the_same_name_to_who_knows_it_and_ascii_to_others(
    name: str, saved: bool
) -> None:
    title = file_title(name) or "x"
    header = disposition(f"{title}-retake.mp4", saved=saved)
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    read = Message()
    read["Content-Disposition"] = header
    assert read.get_content_disposition() == ("attachment" if saved else "inline")
    extended = read.get_param("filename*", None, "content-disposition")
    assert read.get_filename() == f"{title}-retake.mp4" or extended is None
