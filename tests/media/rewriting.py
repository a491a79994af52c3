"""Copies of clips whose packets of pictures are other ones: hidden, captioned, damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av


def rewritten(src: Path, dst: Path, change: Callable[[Any], bytes], *, sound: bool = True) -> Path:
    """Copy a clip into a new file.

    Args:
        src: The clip.
        dst: The new file.
        change: Gets each packet of the pictures, and returns what it holds from now on.
        sound: Whether the sound is copied, too.
    """
    with av.open(src) as old, av.open(dst, "w") as out:
        wanted = old.streams if sound else old.streams.video
        copies = {one.index: out.add_stream_from_template(one, opaque=True) for one in wanted}
        for packet in old.demux(list(wanted)):
            if not packet.size:
                continue
            new = packet
            if packet.stream.type == "video":
                new = av.Packet(change(packet))
                new.pts, new.dts, new.duration = packet.pts, packet.dts, packet.duration
                new.time_base, new.is_keyframe = packet.time_base, packet.is_keyframe
            new.stream = copies[packet.stream_index]
            out.mux_one(new)
    return dst
