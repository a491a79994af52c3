"""Calls that look at requests and models, or stop one, as flows."""

from __future__ import annotations

from retake.client import ended, following, looking
from retake.client.effects import Emits, Flow, telling
from retake.client.reading import Raw
from retake.client.results import Progress, Request
from retake.client.retaking import Tell
from retake.client.server import DEFAULT_MODEL, Server


class Looks:
    """The calls of one server that make nothing new."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def base_url(self) -> str:
        """The API's URL."""
        return self.server.base

    def get(self, request_id: str) -> Flow[Request]:
        """Return a request as it stands.

        Raises:
            NotFound: The key has no such request.
        """
        return looking.get(self.server, request_id)

    def wait(
        self,
        request_id: str,
        *,
        timeout_s: float | None = None,
        cancel_on_interrupt: bool = False,
        progress: Tell | None = None,
    ) -> Flow[Request]:
        """Return a request once it has succeeded; a restart of the server is waited for.

        Raises:
            RequestFailed: It failed.
            Cancelled: It was cancelled.
            Timeout: It has not ended within `timeout_s` seconds; it goes on.
            ConnectionLost: The server stayed away.
        """

        def to_its_end() -> Flow[Request]:
            record = yield from following.follow(
                self.server,
                request_id,
                timeout_s=timeout_s,
                cancel_on_interrupt=cancel_on_interrupt,
            )
            return ended.succeeded(record)

        return telling(to_its_end(), progress)

    def events(self, request_id: str, *, timeout_s: float | None = None) -> Emits[Progress]:
        """Yield how a request stands whenever that changes, until it has ended.

        Raises:
            Timeout: It has not ended within `timeout_s` seconds.
            ConnectionLost: The server stayed away.
        """
        return Emits(following.to_the_last(self.server, request_id, timeout_s))

    def list(
        self,
        *,
        model: str | None = None,
        status: str | None = None,
        created_after: str | int | None = None,
        created_before: str | int | None = None,
        page_size: int | None = None,
    ) -> Emits[Request]:
        """Yield the key's requests, newest first; further pages are asked for as they are wanted.

        Moments are Unix time in seconds, or RFC 3339 texts.
        """
        return Emits(
            looking.pages(
                self.server,
                model=model,
                status=status,
                created_after=created_after,
                created_before=created_before,
                page_size=page_size,
            )
        )

    def cancel(self, request_id: str) -> Flow[Request]:
        """Cancel a request and return it as it then stands; one that has ended stays as it is."""
        return looking.cancel(self.server, request_id)

    def models(self) -> Flow[tuple[str, ...]]:
        """Return the ids of the server's models."""
        return looking.models(self.server)

    def model(self, model_id: str = DEFAULT_MODEL) -> Flow[Raw]:
        """Return what a model is and which parameters it takes, as the server tells it."""
        return looking.model(self.server, model_id)
