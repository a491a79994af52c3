"""What `retake edit` walks with: this machine's files and one engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retake.bootstrap.parts import fetch_policy, limits, make_engine, settings
from retake.core.errors import BadSource

if TYPE_CHECKING:
    from retake.core.watch import Watch
    from retake.settings import Settings
    from retake.steps.publish import Shelf
    from retake.steps.run import Fetch, Parts


def local_parts(shelf: Shelf, engine_id: str | None) -> Parts:
    """Return the parts of one edit; its results go onto `shelf`."""
    from retake.steps.run import Parts

    chosen = settings()
    engine = make_engine(engine_id or chosen.engine, chosen)
    return Parts(engine, _fetch_local(chosen), shelf, limits(chosen))


def _fetch_local(chosen: Settings) -> Fetch:
    """Return a Fetch for the command line: paths are used where they lie, URLs are fetched.

    Private addresses need the setting here as well: scripts hand this command URLs that others
    wrote.
    """
    policy = fetch_policy(chosen, allow_private=chosen.fetch_allow_private)

    def fetch_local(uri: str, dest: Path, watch: Watch) -> Path:
        if not uri.lower().startswith(("http://", "https://")):
            path = Path(uri.removeprefix("file://")).expanduser()
            if not path.exists():
                raise BadSource(
                    "not_found",
                    f"{uri!r} does not exist; accepted is a video file or an http(s) URL",
                    param="video_uri",
                )
            return path
        from retake.steps.fetch import fetch

        return fetch(uri, dest, policy, watch).path

    return fetch_local
