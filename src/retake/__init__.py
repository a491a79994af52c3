"""Re-shoot a few seconds of a video and keep everything else bit for bit.

`retake.Client` and `retake.AsyncClient` speak to a server; see `retake.client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retake.client import AsyncClient, Client

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: `import retake` stays light, and so does the command line.
    if name in {"AsyncClient", "Client"}:
        from retake import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
