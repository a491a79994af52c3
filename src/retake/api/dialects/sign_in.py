"""Signing in as the published client ``gmicloud`` does: e-mail and password, then tokens.

Its password is an API key of this server; the e-mail only names the file that it keeps tokens in.
The routes and their bodies are those that the client calls; it reads ``message`` from refusals.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from retake.api.answer import Json
from retake.api.auth import Caller, key_named
from retake.api.body import read_json_object
from retake.api.dialects.route import DialectRoute
from retake.api.errors import Refusal, error_body, status_of
from retake.api.parts import ApiParts, parts_of
from retake.api.sessions import Use, give_token, key_of_token
from retake.core.errors import BadRequest, RetakeError
from retake.queue.keys import KeyInfo


class _Route(DialectRoute):
    @staticmethod
    def tell(error: RetakeError) -> tuple[int, dict[str, Any], dict[str, str]]:
        return status_of(error), {"message": error.message, **error_body(error)}, {}


routes = APIRouter(prefix="/api/v1/me", route_class=_Route)


@routes.post("/auth-tokens")
async def sign_in(request: Request) -> Json:
    """Return a token for a session; the password is the API key."""
    parts = parts_of(request)
    key = await key_named(parts, await _sent(request, "password"))
    token = give_token(parts, key, Use.SIGN_IN)
    return Json({"authToken": token.text, "is2FARequired": False})


@routes.post("/sessions")
async def begin(request: Request) -> Json:
    """Return the tokens of a new session."""
    return await _session(parts_of(request), await _sent(request, "authToken"), Use.SIGN_IN)


@routes.patch("/sessions")
async def refresh(request: Request) -> Json:
    """Return new tokens for old ones."""
    return await _session(parts_of(request), await _sent(request, "refreshToken"), Use.REFRESH)


@routes.get("/profile")
async def profile(caller: Caller) -> Json:
    """Return who is signed in: every key is a user, and an organization, of its own."""
    user = {"id": caller.key_id, "email": "", "firstName": caller.name, "lastName": ""}
    return Json({"user": user, "organization": {"id": caller.key_id, "role": "owner"}})


async def _session(parts: ApiParts, token: str, use: Use) -> Json:
    key: KeyInfo | None = await key_of_token(parts, token, use)
    if key is None:
        raise Refusal("wrong_key", "the token is unknown, over, or its API key was revoked")
    return Json(
        {
            "accessToken": give_token(parts, key, Use.ACCESS).text,
            "refreshToken": give_token(parts, key, Use.REFRESH).text,
        }
    )


async def _sent(request: Request, name: str) -> str:
    parts = parts_of(request)
    body = await read_json_object(request, max_bytes=parts.max_body_bytes, within_s=parts.body_s)
    text = body.get(name)
    if not isinstance(text, str) or not text:
        code = "wrong_type" if name in body else "missing"
        raise BadRequest(code, f"{name} must be a text that is not empty", param=name)
    return text
