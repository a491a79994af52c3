"""What a flow asks of the outside world, and how it is walked.

A flow is a generator that does no input or output by itself: it yields effects and is sent what
came of them. So every rule (retries, redirects, reconnecting, resuming) is written once; the
synchronous and the asynchronous client only carry effects out.

    def get(server, path):                # a flow
        answer = yield Call("GET", url)
        return answer.json()
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")

INTERRUPTS = (KeyboardInterrupt, asyncio.CancelledError)
"""What somebody raises who no longer wants to wait."""


class Readable(Protocol):
    """An open file, as far as sending it needs one."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...

    def close(self) -> None:
        """Be done with it."""
        ...


@dataclass(frozen=True, slots=True)
class Body:
    """A file to be sent. `open` may be called again, for another attempt.

    `sent` is told how many bytes have left so far.
    """

    open: Callable[[], Readable]
    size: int
    sent: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; the reply is an `Answer`, or ConnectionLost is raised.

    Attributes:
        method, url: Of the request; the URL is absolute.
        headers: All that are to be sent besides those that HTTP itself needs.
        content: The body.
        read_s: How long the server may send nothing, in seconds.
        stream: Leave the answer's body to be read piece by piece.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | Body | None = None
    read_s: float = 30.0
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case; `handle` is the driver's own."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""
    handle: Any = None

    def json(self) -> dict[str, Any]:
        """Return the body if it is a JSON object, else an empty one."""
        try:
            value = json.loads(self.content)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Read:
    """Read on in a streamed answer; the reply is bytes, or None at its end."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Close:
    """Read no more of a streamed answer."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Call something that may block on the disk; the reply is what it returns."""

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the caller something while the flow goes on."""

    value: Any


Effect = Call | Read | Close | Sleep | Work | Emit
Flow = Generator[Effect, Any, T]


class Walk(Generic[T]):
    """A flow on its way: `effect` is to be carried out, then `reply` or `fail` called.

    Once `done`, `result` is what the flow returned. What the flow raises comes out of the method
    that moved it.
    """

    effect: Effect
    result: T

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.done = False
        self._move(lambda: next(flow))

    def reply(self, value: Any = None) -> None:
        """Go on with what came of the effect."""
        self._move(lambda: self._flow.send(value))

    def fail(self, error: BaseException) -> None:
        """Go on with what the effect raised."""
        self._move(lambda: self._flow.throw(error))

    def close(self) -> None:
        """Leave the flow where it is."""
        self._flow.close()

    def _move(self, step: Callable[[], Effect]) -> None:
        try:
            self.effect = step()
        except StopIteration as stop:
            self.done, self.result = True, stop.value


@dataclass(frozen=True, slots=True)
class Emits(Generic[T]):
    """A flow that is walked for what it emits, values of type T."""

    flow: Flow[object]


def telling(flow: Flow[T], tell: Callable[[Any], object] | None) -> Flow[T]:
    """Return the same flow; what it emits goes to `tell`, if there is one."""
    walk = Walk(flow)
    while not walk.done:
        effect = walk.effect
        if isinstance(effect, Emit):
            if tell is not None:
                tell(effect.value)
            walk.reply()
            continue
        try:
            value = yield effect
        except GeneratorExit:
            walk.close()
            raise
        except BaseException as error:  # noqa: BLE001 - the flow decides what it means
            walk.fail(error)
        else:
            walk.reply(value)
    return walk.result
