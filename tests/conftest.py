"""Clips that many tests read and none changes, made once a session."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres as postgres_programs
from tests.clips import make_clip
from tests.databases import DIALECTS, Place
from tests.postgres import PostgresServer, postgres_server
from tests.s3 import S3Server, s3_server, why_absent

# How long one example takes depends on who else uses the machine; the suite's own time-out stays.
settings.register_profile("retake", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("retake")

# Weights that somebody pulled on this machine would make another engine the default one.
os.environ["RETAKE_MODELS_DIR"] = str(Path(__file__).parent / "no-models")
os.environ.pop("RETAKE_LTX_WEIGHTS", None)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s of 192x108 at 24 frames a second, H.264 with B-frames, AAC stereo at 48 kHz, MP4."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="session")
def silent_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures without sound."""
    return make_clip(tmp_path_factory.mktemp("clips") / "silent.mp4", audio=None)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Generator[S3Server]:
    """A real S3-compatible server, the same for all tests; each uses a prefix of its own."""
    if reason := why_absent():
        pytest.skip(reason)
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer]:
    """A real PostgreSQL, the same for all tests; each makes a database of its own in it."""
    if reason := postgres_programs.why_absent():
        pytest.skip(reason)
    with postgres_server() as server:
        yield server


@pytest.fixture(params=DIALECTS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Place]:
    """A place for requests, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield Place(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.fresh()
    yield Place(tmp_path, url)
    server.drop(url)


@pytest.fixture(autouse=True)
def _same_pace() -> Generator[None]:
    """No test leaves this process, and every browser and server after it, at another pace."""
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getscheduler(0)
    yield
    assert os.sched_getscheduler(0) == before
