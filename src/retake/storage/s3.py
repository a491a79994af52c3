"""Talking to an S3-compatible server: the only file that knows how obstore is set up and fails."""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from retake.core.errors import StorageFailed
from retake.storage.address import S3Address

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

_log = logging.getLogger(__name__)

_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""One of these says who we are; each with what else belongs to it."""
RETRY_S = 20.0
"""How long an answer to a user waits for a storage that fails, in seconds."""
PATIENT_RETRY_S = 240.0
"""How long a worker waits for it, who would lose what it has made. What is tried again is not
signed anew; object_store's makers advise less than five minutes."""
_RETRIES = 80
_SIGNING_KEY = ".retake/secret"
_STATUS = re.compile(r"status code: (\d{3})|HTTP error: .{0,80}?(\d{3})", re.ASCII)
_CODE = re.compile(r"<Code>(\w{1,60})</Code>", re.ASCII)


def open_store(address: S3Address, *, retry_s: float = RETRY_S) -> S3Store:
    """Return a connection to a storage; nothing is asked of it yet.

    What fails with a 5xx, a broken connection or a time-out is tried again with back-off and
    jitter, for `retry_s` seconds at most.

    Raises:
        StorageFailed: There are no credentials (``storage_unavailable``).
    """
    from obstore.store import S3Store

    if not any(os.environ.get(name) for name in _CREDENTIALS):
        raise _cannot(
            address,
            "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
            "environment",
            retryable=False,
        )
    where: S3Config = {} if address.endpoint is None else {"endpoint": address.endpoint}
    return S3Store(
        address.bucket,
        config=where,
        prefix=address.prefix or None,
        region=address.region,
        virtual_hosted_style_request=address.virtual_host,
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=5),
            # Of a whole request: a part of 16 MiB at 0.5 Mbit/s takes four minutes. What stands
            # still is noticed sooner.
            "timeout": timedelta(seconds=300),
            "read_timeout": timedelta(seconds=30),
        },
        retry_config={
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=retry_s),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=5),
                "base": 2,
            },
        },
    )


def shared_secret(store: S3Store, address: S3Address) -> bytes:
    """Return the secret that signs URLs, the same for everybody who uses this storage.

    It is made once, by whoever comes first. That it can be read and written also shows that the
    storage is there and lets us in.

    Raises:
        StorageFailed: It cannot be used as it is (``storage_unavailable``); the message says what
            was found.
    """
    import obstore
    from obstore.exceptions import AlreadyExistsError

    try:
        try:
            return bytes(obstore.get(store, _SIGNING_KEY).bytes())
        except FileNotFoundError:
            pass
        with suppress(AlreadyExistsError):
            obstore.put(store, _SIGNING_KEY, secrets.token_bytes(32), mode="create")
        return bytes(obstore.get(store, _SIGNING_KEY).bytes())
    except Exception as error:
        raise _cannot(address, what_failed(error)) from error


@contextmanager
def asked(address: S3Address) -> Generator[None]:
    """Turn what the server says, or does not, into what a user can be told.

    FileNotFoundError and obstore's AlreadyExistsError pass: they are answers.
    """
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except (AlreadyExistsError, FileNotFoundError):
        raise
    except (BaseError, OSError, ValueError) as error:
        _log.warning("the storage %s: %s", address, what_failed(error))
        raise StorageFailed(
            "storage_unavailable",
            "the storage of this server does not answer as it should just now; try again later",
            retryable=True,
        ) from error


def what_failed(error: Exception) -> str:
    """Return what went wrong, in a line; obstore's own words hold the request and its answer."""
    text = str(error)
    status, code = _STATUS.search(text), _CODE.search(text)
    if code is not None or status is not None:
        parts = [f"HTTP {status[1] or status[2]}" if status else "", code[1] if code else ""]
        return f"it answers {' '.join(filter(None, parts))}{_hint(code[1] if code else '')}"
    for cause in ("Connection refused", "dns error", "operation timed out", "certificate"):
        if cause.lower() in text.lower():
            return f"it cannot be reached: {cause.lower()}"
    return text.partition("\n")[0][:300]


def _hint(code: str) -> str:
    return {
        "NoSuchBucket": ": there is no such bucket; make it first",
        "AccessDenied": ": the credentials may not use this bucket",
        "InvalidAccessKeyId": ": AWS_ACCESS_KEY_ID is not known there",
        "SignatureDoesNotMatch": ": AWS_SECRET_ACCESS_KEY is wrong",
    }.get(code, "")


def _cannot(address: S3Address, found: str, *, retryable: bool = True) -> StorageFailed:
    return StorageFailed(
        "storage_unavailable",
        f"the storage {address} cannot be used: {found}",
        param="storage",
        retryable=retryable,
    )
