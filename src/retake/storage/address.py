"""``s3://bucket/prefix?endpoint=…&region=…``: where a remote storage is, as settings name it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from retake.core.errors import BadRequest

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*)?")
_FORM = "s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION"
_KNOWN = ("endpoint", "region", "virtual_host")


@dataclass(frozen=True, slots=True)
class S3Address:
    """Where a remote storage is.

    Attributes:
        bucket: The bucket's name.
        prefix: What all keys begin with, without slashes at its ends; may be empty.
        endpoint: The server's URL; None is AWS's own for the region.
        region: The region's name.
        virtual_host: Whether the bucket is a part of the host name, not of the path; then it is a
            part of `endpoint` too, where one is given.
    """

    bucket: str
    prefix: str
    endpoint: str | None
    region: str
    virtual_host: bool

    def __str__(self) -> str:
        where = f" at {self.endpoint}" if self.endpoint else ""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/") + where


def parse_address(text: str) -> S3Address:
    """Return the storage that `text` names.

    Raises:
        BadRequest: It is malformed (``bad_storage``); what may be a secret in it is not repeated.
    """
    try:
        url = urlsplit(text)
        query = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
        secret = url.username is not None or url.password is not None
        _ = url.port
    except ValueError as error:
        raise _bad(f"it cannot be read: {error}") from None
    if secret:
        raise _bad("it holds a user name or a password")
    if url.scheme != "s3":
        raise _bad(f"it begins with {url.scheme or text[:10]!r}")
    if not _BUCKET.fullmatch(url.netloc):
        raise _bad(f"{url.netloc[:80]!r} is not the name of a bucket")
    prefix = url.path.strip("/")
    if not _PREFIX.fullmatch(prefix):
        raise _bad(f"the prefix {prefix[:80]!r} has other characters than letters, digits and ._-")
    for name in query:
        if name not in _KNOWN:
            raise _bad(f"it has the parameter {name[:40]!r}")
    virtual_host = query.get("virtual_host", "false").lower()
    if virtual_host not in {"true", "false"}:
        raise _bad(f"virtual_host is {virtual_host[:40]!r}, neither true nor false")
    endpoint, region = query.get("endpoint") or None, query.get("region") or "us-east-1"
    return S3Address(url.netloc, prefix, _endpoint(endpoint), region, virtual_host == "true")


def _endpoint(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        url = urlsplit(text)
        good = url.scheme in {"http", "https"} and bool(url.hostname) and not url.query
        bare = url.username is None and url.password is None
        _ = url.port
    except ValueError:
        good = bare = False
    if not (good and bare):
        raise _bad("its endpoint is no URL such as https://s3.example.com")
    return text.rstrip("/")


def _bad(found: str) -> BadRequest:
    return BadRequest(
        "bad_storage",
        f"RETAKE_STORAGE is not the address of a storage: {found}; accepted is {_FORM}, with the "
        "credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        param="storage",
    )
