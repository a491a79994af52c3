"""A connection that sends what is written in one go together: an answer's head with its body."""

from __future__ import annotations

import asyncio
from typing import Any

_MOST_BYTES = 64 * 1024
"""So much is not held back any longer."""


class Corked(asyncio.Transport):
    """A transport that holds what is written until this turn of the event loop ends.

    uvicorn writes the head of an answer, then its body, and each would be a packet that wakes the
    other side: together they cost half.

    Args:
        transport: What sends.
        loop: The event loop that it is on.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held: list[bytes | bytearray | memoryview] = []
        self._held_bytes = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`, soon."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > _MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what was held."""
        if held := self._held:
            self._held, self._held_bytes = [], 0
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        """Send what was held, and what the system has not taken yet; then close."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._held.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Return whether it is closed, or will be."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of the connection."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes have been written and not been sent."""
        return self._held_bytes + self._transport.get_write_buffer_size()

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who is told of what comes."""
        return self._transport.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Say who is told of what comes."""
        self._transport.set_protocol(protocol)

    def pause_reading(self) -> None:
        """Take nothing more in."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on taking in."""
        self._transport.resume_reading()
