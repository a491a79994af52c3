"""Judging what the other side says: its errors, its headers, the first bytes of its body."""

from __future__ import annotations

import ssl
from http import HTTPStatus
from typing import TypeVar

import httpx

from retake.core.errors import FetchFailed

_Error = TypeVar("_Error", bound=Exception)

HEAD_BYTES = 1024
"""So many first bytes are looked at."""
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")
_WORTH_A_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})


def timed_out(what: str, param: str = "video_uri") -> FetchFailed:
    """Return the error for something that took too long."""
    return FetchFailed("timeout", f"{param}: {what}", param=param, retryable=True)


def failed(host: str, error: Exception, param: str = "video_uri") -> FetchFailed:
    """Return the user's error for one of httpx's; `param` is what it calls the URL."""
    host = host[:100]
    tls = _cause(error, ssl.SSLError)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return FetchFailed(
            "tls", f"the certificate of {host} is not valid: {tls.verify_message}", param=param
        )
    if tls is not None:
        return FetchFailed("tls", f"no secure connection to {host} could be made", param=param)
    if isinstance(error, httpx.ConnectTimeout):
        return timed_out(f"{host} did not accept a connection in time", param)
    if isinstance(error, httpx.TimeoutException):
        return timed_out(f"{host} stopped sending", param)
    if isinstance(error, httpx.ConnectError):
        reason = _cause(error, OSError)
        because = "" if reason is None or not reason.strerror else f": {reason.strerror}"
        return FetchFailed(
            "refused", f"{host} does not accept connections{because}", param=param, retryable=True
        )
    return FetchFailed(
        "interrupted", f"the connection to {host} broke off", param=param, retryable=True
    )


def check_answer(answer: httpx.Response, host: str, max_bytes: int) -> None:
    """Let pass an answer that may bring a video.

    Raises:
        FetchFailed: It says that there is none (``http_<status>``), that it is too large
            (``too_large``), or comes compressed (``compressed``).
    """
    status = answer.status_code
    if status != HTTPStatus.OK:
        phrase = f" {answer.reason_phrase[:60]}" if answer.reason_phrase else ""
        raise _failed(
            f"http_{status}",
            f"{host[:100]} answered {status}{phrase}; accepted is 200 with a video",
            retryable=status in _WORTH_A_RETRY,
        )
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise _failed("compressed", f"{host[:100]} sends the video compressed, unasked")
    length = announced_length(answer)
    if length > max_bytes:
        raise too_large(f"it is {length} bytes long", max_bytes)


def announced_length(answer: httpx.Response) -> int:
    """Return the length in bytes that the answer announces; 0 when it announces none."""
    text = answer.headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def too_large(found: str, max_bytes: int) -> FetchFailed:
    """Return the error for a video longer than is accepted."""
    return _failed(
        "too_large",
        f"the video at video_uri is too large: {found}; at most {max_bytes} bytes are accepted",
    )


def check_head(head: bytes, answer: httpx.Response) -> None:
    """Let pass the first bytes of what may be a video.

    Raises:
        FetchFailed: They are none (``empty``), or those of a web page (``html_not_video``).
    """
    if not head:
        raise _failed("empty", "what video_uri points at is empty; accepted is a video")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    # A video that is only labelled as a page goes through: containers hold zero bytes early on.
    if start.startswith(_HTML_STARTS) or (kind in _HTML_TYPES and b"\0" not in head):
        raise _failed(
            "html_not_video",
            "video_uri points at a web page; accepted is the address of the video file itself",
        )


def _failed(code: str, message: str, *, retryable: bool = False) -> FetchFailed:
    return FetchFailed(code, message, param="video_uri", retryable=retryable)


def _cause(error: BaseException | None, kind: type[_Error]) -> _Error | None:
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None
