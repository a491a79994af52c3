"""API keys: made once, stored as digests, revoked at once."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from retake.core.errors import BadRequest
from retake.queue.keys import FRESH_S, Keys


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.sqlite", now=lambda: 1234.5)


def test_a_created_key_is_recognised(keys: Keys) -> None:
    key = keys.create("  my laptop ")
    info = asyncio.run(keys.authenticate(key))
    assert info is not None
    assert (info.name, info.created_at, info.revoked_at) == ("my laptop", 1234, None)
    assert key.startswith(info.shown)
    assert keys.list() == [info]


@pytest.mark.parametrize("wrong", ["", "rt_", "rt_unknown", "\udc80", "ключ", "x" * 10_000])
def test_anything_else_is_not_recognised(keys: Keys, wrong: str) -> None:
    key = keys.create("mine")
    assert asyncio.run(keys.authenticate(wrong)) is None
    assert asyncio.run(keys.authenticate(key[:-1])) is None
    assert asyncio.run(keys.authenticate(key + wrong + "x")) is None


def test_the_file_does_not_hold_the_key_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "keys.sqlite"
    key = Keys(path).create("mine")
    assert key[12:].encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with sqlite3.connect(path) as db:
        assert db.execute("pragma journal_mode").fetchone() == ("delete",)
    db.close()


def test_two_keys_are_different_and_have_enough_bits(keys: Keys) -> None:
    made = {keys.create("one") for _ in range(50)}
    assert len(made) == 50
    # 6 bits a character of URL-safe base64.
    assert all(6 * len(key.removeprefix("rt_")) >= 192 for key in made)


def test_a_key_that_another_process_revokes_stops_working_within_a_moment(tmp_path: Path) -> None:
    clock = [100.0]
    server = Keys(tmp_path / "keys.sqlite", clock=lambda: clock[0])
    command = Keys(tmp_path / "keys.sqlite")
    key = command.create("theirs")
    assert asyncio.run(server.authenticate(key)) is not None
    revoked = command.revoke(key[:9])
    assert revoked.revoked_at is not None
    clock[0] += FRESH_S
    assert asyncio.run(server.authenticate(key)) is None
    assert server.list() == [revoked]


def test_a_key_that_this_process_revokes_stops_working_at_once(keys: Keys) -> None:
    key = keys.create("mine")
    assert asyncio.run(keys.authenticate(key)) is not None
    keys.revoke(key)
    assert asyncio.run(keys.authenticate(key)) is None


def test_a_key_is_revoked_by_its_id_its_beginning_or_itself_once(tmp_path: Path) -> None:
    clock = iter(range(100, 200))
    keys = Keys(tmp_path / "keys.sqlite", now=lambda: next(clock))
    key = keys.create("mine")
    by_key = keys.revoke(key)
    assert keys.revoke(by_key.key_id) == keys.revoke(by_key.shown) == by_key


def test_revoking_what_is_not_there_says_so(keys: Keys) -> None:
    keys.create("mine")
    with pytest.raises(BadRequest) as caught:
        keys.revoke("rt_nonsense-and-a-secret-tail")
    assert caught.value.code == "unknown_key"
    assert "secret" not in caught.value.message


def test_a_beginning_that_two_keys_share_revokes_neither(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.sqlite")
    keys.create("one"), keys.create("two")
    with sqlite3.connect(tmp_path / "keys.sqlite") as db:
        db.execute("update keys set shown = 'rt_same'")
    db.close()
    with pytest.raises(BadRequest) as caught:
        keys.revoke("rt_same")
    assert caught.value.code == "ambiguous_key"
    assert all(info.revoked_at is None for info in keys.list())


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb", "a\x00b"])
def test_a_name_that_cannot_be_shown_is_refused(keys: Keys, name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        keys.create(name)
    assert (caught.value.code, caught.value.param) == ("bad_key_name", "name")
    assert keys.list() == []
