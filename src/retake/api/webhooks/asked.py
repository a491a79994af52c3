"""Reading who is to be told, and of what; everything odd about it is said at once."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

from retake.api.links import Links
from retake.api.parts import ApiParts
from retake.core.errors import BadRequest, FetchFailed, wrong_type
from retake.queue.keys import KeyInfo
from retake.queue.webhooks import EVENTS, Target
from retake.queue.webhooks.target import ENDS, FORMS
from retake.steps.fetch.resolve import checked_addresses
from retake.steps.fetch.url import check_url

MAX_URL = 2048
_MAX_DESCRIPTION = 500
_RESOLVE_S = 3.0
_PORTS = {"http": 80, "https": 443}
# The words of other services' filters, where they have one for the same.
_OTHER_WORDS = {
    "*": EVENTS,
    "start": ("processing",),
    "completed": ENDS,
    "canceled": ("cancelled",),
}
_FILTERS = ("webhook_events", "webhook_events_filter")
_PREFIX = "retake."


async def of_submit(
    body: dict[str, Any], caller: KeyInfo, parts: ApiParts, links: Links
) -> tuple[Target | None, tuple[str, ...], frozenset[str]]:
    """Return the webhook that a submit brings along, warnings, and the keys that were read.

    It is ``"webhook": "https://…"`` or ``{"url", "events"}``; or ``webhook_url``, and
    ``webhook_events`` or ``webhook_events_filter`` beside it.

    Raises:
        RetakeError: It cannot be used; `param` says where that stands.
    """
    names = [name for name in ("webhook", "webhook_url") if body.get(name) is not None]
    if not names:
        return None, (), frozenset(body.keys() & {"webhook", "webhook_url"})
    if len(names) > 1:
        raise BadRequest(
            "two_webhooks",
            "webhook and webhook_url are both there; one of them is accepted",
            param="webhook",
        )
    name = names[0]
    given = body[name]
    if isinstance(given, dict) and name == "webhook":
        read = frozenset({name})
        url, events = given.get("url"), given.get("events")
        at, events_at = "webhook.url", "webhook.events"
        form = _form(given.get("form"))
        others = sorted(given.keys() - {"url", "events", "form"})
        warnings = tuple(f"unknown key {f'webhook.{key[:80]}'!r} was ignored" for key in others)
    else:
        events_at = next((key for key in _FILTERS if body.get(key) is not None), _FILTERS[0])
        read = frozenset({name, events_at})
        url, events, at, warnings, form = given, body.get(events_at), name, (), FORMS[0]
    target = target_of(url, events, caller, parts, links, at=at, events_at=events_at)
    target = replace(target, form=form)
    try:
        await check_host(target.url, parts, at)
    except FetchFailed as error:
        if error.code != "dns":
            raise
        # The name may be there by the time that there is something to tell.
        warnings = (*warnings, error.message)
    return target, warnings, read


def target_of(
    url: object,
    events: object,
    caller: KeyInfo,
    parts: ApiParts,
    links: Links,
    *,
    at: str = "url",
    events_at: str = "events",
) -> Target:
    """Return the target that a URL and a filter name; `at` and `events_at` say where they stand.

    Raises:
        RetakeError: One of them is missing or cannot be used.
    """
    text, wanted = _url(url, at), _events(events, events_at)
    checked = check_url(text, allow_private=parts.allow_private, param=at)
    port = checked.port or _PORTS[checked.scheme]
    host = checked.raw_host.decode("ascii").rstrip(".")
    return Target(text, f"{caller.key_id} {host}:{port}", links.base, wanted)


async def check_host(url: str, parts: ApiParts, param: str = "url") -> None:
    """Let pass a URL whose host is a public one now; it is looked at again for every message.

    Raises:
        FetchFailed: Its name does not resolve (``dns``), or points at an address that may not be
            reached (``blocked_address``).
    """
    checked = check_url(url, allow_private=parts.allow_private, param=param)
    await checked_addresses(
        checked.raw_host.decode("ascii"),
        checked.port or _PORTS[checked.scheme],
        allow_private=parts.allow_private,
        resolve=parts.resolve,
        timeout_s=_RESOLVE_S,
        param=param,
    )


def description_of(value: object) -> str:
    """Return the user's own words for a webhook; none are an empty text.

    Raises:
        BadRequest: It is no text, too long, or holds a control character.
    """
    accepted = f"a text of at most {_MAX_DESCRIPTION} characters"
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong_type("description", value, accepted)
    if len(value) > _MAX_DESCRIPTION or any(unicodedata.category(c) == "Cc" for c in value):
        raise BadRequest(
            "bad_description",
            f"description has {len(value)} characters; accepted is {accepted} that can be seen",
            param="description",
        )
    return value.strip()


def _form(value: object) -> str:
    if value is None:
        return FORMS[0]
    if not isinstance(value, str) or value not in FORMS:
        raise BadRequest(
            "unknown_form",
            f"webhook.form is {str(value)[:40]!r}; accepted is one of {', '.join(FORMS)}",
            param="webhook.form",
        )
    return value


def _url(value: object, at: str) -> str:
    if value is None:
        raise BadRequest("missing", f"{at} is missing; accepted is an https:// URL", param=at)
    if not isinstance(value, str) or not value.strip():
        raise wrong_type(at, value, "an https:// URL")
    if len(value) > MAX_URL:
        raise BadRequest(
            "uri_too_long",
            f"{at} has {len(value)} characters; at most {MAX_URL} are accepted",
            param=at,
        )
    return value.strip()


def _events(value: object, at: str) -> tuple[str, ...]:
    """Return the events in the order of `EVENTS`; the ends where nothing is said."""
    accepted = f"a list of {', '.join(EVENTS)}, or *"
    if value is None:
        return ENDS
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise wrong_type(at, value, accepted)
    wanted: set[str] = set()
    for word in value:
        name = word.strip().removeprefix(_PREFIX)
        known = _OTHER_WORDS.get(name, (name,))
        if not set(known) <= set(EVENTS):
            raise BadRequest(
                "unknown_event", f"{at} holds {word[:40]!r}; accepted is {accepted}", param=at
            )
        wanted |= set(known)
    if not wanted:
        raise BadRequest("unknown_event", f"{at} is empty; accepted is {accepted}", param=at)
    return tuple(event for event in EVENTS if event in wanted)
