"""What the tests of fetching share: a video, a quick policy, a fetch that must fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from retake.core.errors import FetchFailed
from retake.core.watch import Watch
from retake.steps.fetch import Fetched, FetchPolicy, fetch
from tests.steps.origin import Origin

VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 4000


QUICK = FetchPolicy(
    allow_private=True, max_bytes=2**21, connect_s=2.0, stall_s=0.4, total_s=5.0, max_redirects=3
)


def brought(server: Origin, dest: Path, path: str = "/video.mp4") -> Fetched:
    return fetch(server.url(path), dest, QUICK, Watch())


def refused(uri: str, dest: Path, policy: FetchPolicy = QUICK, **more: object) -> FetchFailed:
    """Fetch what must fail; nothing may be left behind."""
    with pytest.raises(FetchFailed) as caught:
        fetch(uri, dest, policy, Watch(), **more)  # type: ignore[arg-type]
    assert list(dest.parent.iterdir()) == []
    assert caught.value.param == "video_uri"
    assert FetchFailed.from_dict(caught.value.to_dict()).code == caught.value.code
    return caught.value


def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]
