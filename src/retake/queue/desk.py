"""The two sides that an engine child's supervisor stands between, as each sees the other."""

from __future__ import annotations

from typing import Any, Protocol

from retake.queue.observer import Observer


class EngineLink(Protocol):
    """What the requests tell the engine child's supervisor."""

    def wake(self) -> None:
        """Take note that a request may be waiting for the child."""
        ...

    def cancel(self, request_id: str) -> bool:
        """Tell the child to stop working on a request; False when there is no child to tell."""
        ...

    def end_child(self, reason: str) -> None:
        """End the child at once, which is safe at any moment; another one is started."""
        ...


class Desk(Protocol):
    """Where an engine child's supervisor gets requests, and where it says what became of them."""

    observer: Observer

    def attach(self, link: EngineLink) -> None:
        """Name the supervisor that is to be told of new requests and of cancelled ones."""
        ...

    async def kept(self) -> list[str]:
        """Return the requests whose work folders are still needed."""
        ...

    def admitted(self) -> list[str]:
        """Return the requests that the child should have, those to be worked on first in front."""
        ...

    def admit(self) -> str | None:
        """Return one more request to send to the child; None when it has enough or none waits."""
        ...

    def for_engine(self, request_id: str) -> dict[str, Any]:
        """Return what the child needs of a request."""
        ...

    async def begun(self, request_id: str) -> bool:
        """Note that the child works on it; returns False when it is to stop."""
        ...

    async def progressed(self, request_id: str, stage_name: str, done: int, total: int) -> None:
        """Note how far the child is."""
        ...

    async def ended(self, request_id: str, result: dict[str, Any]) -> bool:
        """Note how a request ended; False when it is somebody else's by now."""
        ...

    async def child_lost(self, *, crashed: bool, killed: bool) -> None:
        """Note that the child is gone.

        Args:
            crashed: It ended by its own fault.
            killed: Somebody killed it, and not its supervisor.
        """
        ...


class Desked(Protocol):
    """Whatever has a desk: the requests of a data folder, or a slot of a worker."""

    @property
    def dispatch(self) -> Desk:
        """The desk."""
        ...
