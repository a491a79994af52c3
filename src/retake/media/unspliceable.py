"""Why a stream cannot be spliced: the one internal signal between the splicers and `render`."""

from __future__ import annotations


class Unspliceable(Exception):
    """Packets cannot be exchanged in this stream or file.

    Its text completes "encoded anew: …" in the report. It never reaches a user as an error:
    `render` answers it with a full re-encode.
    """
