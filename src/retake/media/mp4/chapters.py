"""Which tracks of an MP4 or MOV hold chapters, as texts or pictures that another track refers to.

Format: QuickTime File Format, "Chapter Lists"; ISO/IEC 14496-12, 8.3.3 (tref).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from retake.media.mp4.boxes import Box, boxes_in, parse, top_boxes
from retake.media.unspliceable import Unspliceable

_MAX_MOOV_BYTES = 64 * 1024**2


def chapter_tracks(path: Path) -> frozenset[int]:
    """Return the ids of tracks that are lists of chapters; none where the file is not understood.

    FFmpeg shows them twice: as chapters, and as streams.
    """
    try:
        with path.open("rb") as file:
            for place in top_boxes(file, path.stat().st_size):
                if place.kind == b"moov" and place.size <= _MAX_MOOV_BYTES:
                    file.seek(place.start + place.header)
                    payload = file.read(place.size - place.header)
                    return frozenset(_referred(parse(b"moov", payload)))
    except Unspliceable:
        pass
    return frozenset()


def _referred(moov: Box) -> Iterator[int]:
    for trak in moov.children or []:
        references = trak.find(b"tref") if trak.kind == b"trak" else None
        for kind, ids in boxes_in(b"" if references is None else references.payload):
            if kind == b"chap":
                yield from np.frombuffer(ids, ">u4", len(ids) // 4).tolist()
