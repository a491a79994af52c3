"""The packets of every stream of a new file, each flow in the order of decoding.

A flow yields pairs: when a packet is decoded, in seconds of the source's clock, and the packet,
ready to be muxed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av

from retake.core.source import VideoStream
from retake.core.watch import Stage, Watch
from retake.media.audio.spliced import SplicedSound
from retake.media.bitstream.messages import with_captions
from retake.media.muxing.contents import EncodedPictures
from retake.media.opening import fraction, open_source
from retake.media.packets import packets_of, packets_of_all
from retake.media.pictures.encode import Encoded, encoder_errors
from retake.media.pictures.spliced import Spliced

Timed = tuple[Fraction, Any]


def copied(
    container: Any, copies: Mapping[int, Any], counts: MutableMapping[int, int], origin: Fraction
) -> Iterator[Timed]:
    """Yield the packets of streams that are copied.

    Args:
        container: The open source.
        copies: The new stream of each, by the old one's index.
        counts: Counts them, by the old stream's index.
        origin: The moment of the source's clock that becomes 0.
    """
    if not copies:
        return
    for packet in packets_of_all(container, list(copies)):
        index = packet.stream_index
        base = fraction(packet.time_base) or Fraction(1)
        shift = round(origin / base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        ticks: Any = packet.pts if packet.dts is None else packet.dts
        counts[index] += 1
        packet.stream = copies[index]
        yield Fraction(int(ticks)) * base, packet


def pictures(
    src: Path,
    video: VideoStream,
    stream: Any,
    done: Spliced,
    spool: BinaryIO | None,
    origin: Fraction,
) -> Iterator[Timed]:
    """Yield the packets of spliced pictures, each at the decoding time of its place.

    Args:
        src: The source file.
        video: Its stream of pictures.
        stream: The new stream.
        done: What was spliced.
        spool: Where the new packets' bytes lie; None where there are none.
        origin: The moment of the source's clock that becomes 0.
    """
    shift = round(origin / video.time_base)
    lasts = {packet.pts: packet.duration for packet in done.packets}
    wanted = {what for what in done.order if isinstance(what, int)}
    held: dict[int, Any] = {}
    with open_source(src) as container:
        read = enumerate(packets_of(container, video.index))
        for place, what in zip(done.packets, done.order, strict=True):
            if isinstance(what, Encoded):
                packet = _new_packet(what, spool)
                packet.duration = lasts[what.pts]
                packet.pts = what.pts - shift
            else:
                # A packet may stand in another place than its own, a few places away.
                while what not in held:
                    number, one = next(read)
                    if number in wanted:
                        held[number] = one
                packet = held.pop(what)
                packet.pts -= shift
            packet.dts, packet.time_base = place.dts - shift, video.time_base
            packet.stream = stream
            yield packet.dts * video.time_base, packet


def sound(
    src: Path, index: int, stream: Any, done: SplicedSound, origin: Fraction
) -> Iterator[Timed]:
    """Yield the packets of spliced sound, each at its own time.

    Args:
        src: The source file.
        index: The track's stream in it.
        stream: The new stream.
        done: What was spliced.
        origin: The moment of the source's clock that becomes 0.
    """
    new = done.replaced()
    with open_source(src) as container:
        for number, old in enumerate(packets_of(container, index)):
            packet = old
            base = fraction(old.time_base) or Fraction(1)
            if number in new:
                packet = av.Packet(new[number])
                packet.pts, packet.dts, packet.duration = old.pts, old.dts, old.duration
                packet.time_base, packet.is_keyframe = base, old.is_keyframe
                if old.has_sidedata("skip_samples"):
                    # How much of a track's last packet is not heard.
                    packet.set_sidedata(old.get_sidedata("skip_samples"))
            shift = round(origin / base)
            packet.pts = done.packets[number].pts - shift
            packet.dts = done.packets[number].dts - shift
            packet.stream = stream
            yield packet.dts * base, packet


def encoded(
    stream: Any, video: VideoStream, new: EncodedPictures, origin: Fraction, watch: Watch
) -> Iterator[Timed]:
    """Yield the packets of pictures that are encoded anew, each frame at its own time.

    Args:
        stream: The new stream, an encoder.
        video: The source's stream, whose times the frames keep.
        new: All its frames, in display order and in the encoder's pixel format.
        origin: The moment of the source's clock that becomes 0.
        watch: Told of every packet.
    """
    shift = round(origin / video.time_base)
    shown = [pts - shift for pts in video.pts]
    lasts = [*shown[1:], video.end_pts - shift]
    for done, fresh in enumerate(_encode(stream.codec_context, new.frames)):
        number = fresh.pts
        packet = _saying(fresh, new.recipe.codec, new.said.get(number))
        packet.pts, packet.dts = shown[number], _decoded_at(shown, packet.dts)
        packet.duration = lasts[number] - shown[number]
        packet.time_base, packet.stream = video.time_base, stream
        watch.progress(Stage.RENDER, done + 1, len(shown))
        yield packet.dts * video.time_base, packet


def _new_packet(new: Encoded, spool: BinaryIO | None) -> Any:
    data = b""
    if spool is not None:
        spool.seek(new.start)
        data = spool.read(new.size)
    packet = av.Packet(data)
    packet.is_keyframe = new.key
    return packet


def _saying(packet: Any, codec: str, said: bytes | None) -> Any:
    """Return an encoder's packet with closed captions in it, where there are some."""
    if said is None:
        return packet
    new = av.Packet(with_captions(codec, bytes(packet), said))
    new.pts, new.dts, new.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
    return new


def _encode(coder: Any, frames: Iterator[av.VideoFrame]) -> Iterator[Any]:
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base, frame.pict_type = number, coder.time_base, 0
        with encoder_errors():
            yield from coder.encode_lazy(frame)
    with encoder_errors():
        yield from coder.encode_lazy(None)


def _decoded_at(shown: list[int], number: int) -> int:
    """Return the decoding time of what the encoder, counting frames, decodes at `number`."""
    if number >= 0:
        return shown[number]
    step = shown[1] - shown[0] if len(shown) > 1 else 1
    return shown[0] + number * max(step, 1)
