"""Networks of their own for workers (Linux network namespaces), each on a cable that can be pulled.

A namespace reaches nothing but a relay on this machine's end of its cable, which leads to the
database. A pulled cable answers nothing, as a real one: connections hang instead of being refused.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


def why_absent() -> str | None:
    """Return why there can be no network of its own here; None where there can."""
    if shutil.which("ip") is None:
        return "network namespaces need iproute2's `ip`"
    name = f"rt{secrets.token_hex(3)}"
    if _ip("netns", "add", name) != 0:
        return "network namespaces are not permitted here"
    works = _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b") == 0
    _ip("link", "del", f"{name}a")
    _ip("netns", "del", name)
    return None if works else "virtual network cables are not permitted here"


class Network:
    """A namespace with a cable to this machine, where a relay leads to a port of its loopback.

    Attributes:
        within: What stands before the command line of a process that is to be in it.
        host: The relay's address, as seen from within.
        port: Its port.
    """

    def __init__(self, name: str, number: int, to_port: int) -> None:
        self.name = name
        self.within = ("ip", "netns", "exec", name)
        # TEST-NET-2 of RFC 5737, four addresses for each.
        self.host = f"198.51.100.{4 * number + 1}"
        inside = f"198.51.100.{4 * number + 2}"
        for command in (
            f"netns add {name}",
            f"link add {name}a type veth peer name {name}b netns {name}",
            f"addr add {self.host}/30 dev {name}a",
            f"link set {name}a up",
            f"-n {name} link set lo up",
            f"-n {name} addr add {inside}/30 dev {name}b",
            f"-n {name} link set {name}b up",
        ):
            assert _ip(*command.split()) == 0, command
        self._relay = socket.create_server((self.host, 0))
        self.port: int = self._relay.getsockname()[1]
        self._to_port = to_port
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        """Pull the cable."""
        _ip("link", "set", f"{self.name}a", "down")

    def plug(self) -> None:
        """Put it back."""
        _ip("link", "set", f"{self.name}a", "up")

    def remove(self) -> None:
        """Remove the namespace and its cable."""
        with suppress(OSError):
            self._relay.shutdown(socket.SHUT_RDWR)
        self._relay.close()
        _ip("link", "del", f"{self.name}a")
        _ip("netns", "del", self.name)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._relay.accept()
                theirs = socket.create_connection(("127.0.0.1", self._to_port))
                for one, other in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for each in (one, other):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def networks(count: int, to_port: int) -> Generator[list[Network]]:
    """Make networks of their own for as long as the block lasts."""
    mark = secrets.token_hex(2)
    first = secrets.randbelow(60 - count)
    made: list[Network] = []
    try:
        made.extend(Network(f"rt{mark}{n}", first + n, to_port) for n in range(count))
        yield made
    finally:
        for each in made:
            each.remove()


def _ip(*arguments: str) -> int:
    return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode
