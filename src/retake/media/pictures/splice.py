"""Splicing pictures: new packets between a stream's own. No container is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from retake.media.pictures import av1, avc, hevc, intra, vpx
from retake.media.pictures.captions import captioned
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.unspliceable import Unspliceable

_SPLICERS: Mapping[str, Callable[[Task], Spliced]] = {
    "av1": av1.splice,
    "h264": avc.splice,
    "hevc": hevc.splice,
    "prores": intra.splice,
    "dnxhd": intra.splice,
    "mjpeg": intra.splice,
    "vp8": vpx.splice,
    "vp9": vpx.splice,
    **dict.fromkeys(intra.LOSSLESS, intra.splice),
}


def splice(task: Task) -> Spliced:
    """Encode the section and what leans on it; keep every other packet.

    Raises:
        Unspliceable: This stream cannot be spliced; the text says why.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    splicer = _SPLICERS.get(task.video.codec)
    if splicer is None:
        raise Unspliceable(f"{task.video.codec} pictures cannot be spliced yet")
    if task.video.interlaced:
        raise Unspliceable("its pictures are interlaced")
    done = splicer(task)
    return replace(done, order=captioned(task, done.order))
