"""How finely a stream's own pictures are quantised, on one scale for all codecs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from retake.core.source import VideoStream
from retake.media.bitstream.hevc import HvcConfig
from retake.media.bitstream.hevc_look import HevcLook
from retake.media.bitstream.nal import AvcConfig
from retake.media.bitstream.slices import StreamLook
from retake.media.opening import open_source
from retake.media.packets import IsClean, packets_of
from retake.media.pictures.av1 import Av1Look
from retake.media.pictures.recipe import quality
from retake.media.pictures.recipes import av1, vpx
from retake.media.pictures.vpx import Vp8Look, Vp9Look
from retake.media.unspliceable import Unspliceable


class Look(Protocol):
    """What looks at every packet of a stream once."""

    @property
    def is_clean(self) -> IsClean:
        """Tells whether decoding can start at a packet."""
        ...

    @property
    def quantisers(self) -> list[int]:
        """Those of the pictures seen so far, on the codec's own scale."""
        ...


def look_for(codec: str, config: bytes) -> Look | None:
    """Return what looks at packets of a codec; None for one of which nothing is known.

    Args:
        codec: FFmpeg's name of it.
        config: The stream's decoder configuration, see `Task.config`.
    """
    try:
        return _look(codec, config)
    except Unspliceable:
        return None


def fineness_seen(codec: str, look: Look | None) -> int:
    """Return the CRF at which a whole stream is encoded anew without a visible loss.

    On the scale of x264; `recipes.whole` turns it into other encoders'. Streams of which nothing
    is known get a fine one.

    Args:
        codec: FFmpeg's name of the stream's codec.
        look: What has looked at its packets.
    """
    quantisers = look.quantisers if look else []
    if not quantisers:
        return quality(())
    match codec:
        case "vp9" | "vp8":
            return vpx.on_x264s_scale(codec, vpx.quality(codec, quantisers))
        case "av1":
            return av1.on_x264s_scale(av1.quality(quantisers))
        case _:
            return quality(quantisers)


def fineness(src: Path, video: VideoStream) -> int:
    """Look at all packets of a stream; return what `fineness_seen` does.

    Args:
        src: The file.
        video: Its stream of pictures.
    """
    with open_source(src) as container:
        context = container.streams[video.index].codec_context
        look = look_for(video.codec, bytes(context.extradata or b""))
        if look is not None:
            try:
                for packet in packets_of(container, video.index):
                    look.is_clean(bytes(packet), key=bool(packet.is_keyframe))
            except Unspliceable:
                return quality(())
    return fineness_seen(video.codec, look)


def _look(codec: str, config: bytes) -> Look | None:
    match codec:
        case "h264":
            return StreamLook(AvcConfig.parse(config))
        case "hevc":
            return HevcLook(HvcConfig.parse(config))
        case "vp9":
            return Vp9Look()
        case "vp8":
            return Vp8Look()
        case "av1":
            return Av1Look(config)
        case _:
            return None
