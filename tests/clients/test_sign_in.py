"""Tokens that stand for a key: good for what they are for, as long as they and the key are."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.live import API, Live, live

ME = "/api/v1/me"


class Clock:
    """The time, some seconds later."""

    later = 0.0

    def __call__(self) -> float:
        return time.time() + self.later


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> Iterator[Live]:
    with live(tmp_path, clock=clock) as running:
        yield running


def signed_in(server: Live, key: str | None = None) -> dict[str, str]:
    sent = {"email": "me@example.com", "password": key or server.key}
    told = server.anybody.post(f"{ME}/auth-tokens", json=sent).json()
    assert told["is2FARequired"] is False
    body = {"type": "native", "authToken": told["authToken"], "otpCode": None}
    return {**told, **server.anybody.post(f"{ME}/sessions", json=body).json()}


def with_token(server: Live, token: str, path: str = f"{API}/requests") -> httpx.Response:
    return server.anybody.get(path, headers={"Authorization": f"Bearer {token}"})


def claims(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def test_a_token_of_access_stands_for_its_key_and_for_no_other(server: Live) -> None:
    request_id = server.submit_async()
    mine, other = signed_in(server), signed_in(server, server.other_key)
    found = with_token(server, mine["accessToken"]).json()["requests"]
    assert [each["request_id"] for each in found] == [request_id]
    assert with_token(server, other["accessToken"]).json()["requests"] == []
    profile = with_token(server, mine["accessToken"], f"{ME}/profile").json()
    assert profile["user"]["id"] == claims(mine["accessToken"])["userId"]


def test_tokens_open_nothing_but_what_they_are_for(server: Live) -> None:
    tokens = signed_in(server)
    for name in ("authToken", "refreshToken"):
        assert with_token(server, tokens[name]).status_code == 401
    for name in ("authToken", "accessToken"):
        refused = server.anybody.patch(f"{ME}/sessions", json={"refreshToken": tokens[name]})
        assert refused.status_code == 401
    for name in ("accessToken", "refreshToken"):
        refused = server.anybody.post(f"{ME}/sessions", json={"authToken": tokens[name]})
        assert refused.status_code == 401
        assert isinstance(refused.json()["message"], str)


def test_tokens_are_over_when_their_time_is(server: Live, clock: Clock) -> None:
    tokens = signed_in(server)
    clock.later = 3601
    assert with_token(server, tokens["accessToken"]).status_code == 401
    refreshed = server.anybody.patch(
        f"{ME}/sessions", json={"refreshToken": tokens["refreshToken"]}
    ).json()
    assert with_token(server, refreshed["accessToken"]).status_code == 200
    clock.later = 8 * 24 * 3600
    again = server.anybody.patch(f"{ME}/sessions", json={"refreshToken": tokens["refreshToken"]})
    assert again.status_code == 401


def test_tokens_are_over_when_their_key_is_revoked(server: Live) -> None:
    key = server.keys.create("for a while")
    tokens = signed_in(server, key)
    server.keys.revoke(key)
    assert with_token(server, tokens["accessToken"]).status_code == 401
    sent = {"refreshToken": tokens["refreshToken"]}
    assert server.anybody.patch(f"{ME}/sessions", json=sent).status_code == 401


def test_a_forged_token_opens_nothing(server: Live) -> None:
    token = signed_in(server)["accessToken"]
    head, body, signature = token.split(".")
    told = claims(token) | {
        "sub": claims(signed_in(server, server.other_key)["accessToken"])["sub"]
    }
    other = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    flipped = signature[:-2] + ("A" if signature[-2] != "A" else "B") + signature[-1]
    for forged in (
        f"{head}.{other}.{signature}",
        f"{none}.{body}.",
        f"{none}.{other}.{signature}",
        f"{head}.{body}.{flipped}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature}.{signature}",
        "..",
        ".",
        "a.b.c",
    ):
        assert with_token(server, forged).status_code == 401, forged


@pytest.mark.parametrize("sent", [{}, {"password": ""}, {"password": 7}, {"password": None}])
def test_a_sign_in_without_a_password_is_a_400(server: Live, sent: dict[str, Any]) -> None:
    refused = server.anybody.post(f"{ME}/auth-tokens", json={"email": "me@example.com", **sent})
    assert refused.status_code == 400
    assert refused.json()["param"] == "password"
