"""What the code that runs right now is about: the request, and the trace that it belongs to."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class About:
    """A call, or the work on a request.

    Attributes:
        request_id: The request that it is about, once that is known.
        trace: Its W3C ``traceparent``; None where nothing is traced.
    """

    request_id: str | None = None
    trace: str | None = None


_here: ContextVar[About | None] = ContextVar("about", default=None)
_everywhere: About | None = None


class about:  # noqa: N801 - used as a function: `with about(...)`
    """Let what is logged within the block, and in the tasks begun there, be about `what`."""

    __slots__ = ("_token", "_what")

    def __init__(self, what: About) -> None:
        self._what = what

    def __enter__(self) -> About:
        self._token = _here.set(self._what)
        return self._what

    def __exit__(self, *error: object) -> None:
        _here.reset(self._token)


@contextmanager
def all_about(what: About) -> Generator[About]:
    """Let everything that this process logs be about `what`, its other threads' lines too.

    For a process that does one thing at a time.
    """
    global _everywhere  # noqa: PLW0603 - the threads that engines start inherit no context
    _everywhere = what
    try:
        yield what
    finally:
        _everywhere = None


def now_about() -> About | None:
    """Return what the code that runs right now is about; None when nobody said."""
    return _here.get() or _everywhere


def name_request(request_id: str) -> None:
    """Say which request the call that is being answered is about."""
    if (now := _here.get()) is not None:
        now.request_id = request_id


def trace_here() -> str | None:
    """Return the ``traceparent`` of the call that is being answered; None without traces."""
    now = _here.get()
    return None if now is None else now.trace
