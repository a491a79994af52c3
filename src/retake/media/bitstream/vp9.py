"""What VP9 and VP8 packets say of their frames: where decoding can start, colour, fineness.

Syntax: VP9 Bitstream & Decoding Process Specification (0.6), 6.2 (uncompressed header) and
annex B (superframes); RFC 6386, 9.1 to 9.6 (VP8 frame header).
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.bitstream.nal import Bits
from retake.media.unspliceable import Unspliceable

_HEADER_BYTES = 64
_SYNC = 0x498342
_RGB = 7


@dataclass(frozen=True, slots=True)
class Vp9Colour:
    """A key frame's colour configuration, as the header has it.

    Attributes:
        profile: 0 to 3.
        space: 3 bits.
        full_range: Of the samples.
    """

    profile: int
    space: int
    full_range: bool


@dataclass(frozen=True, slots=True)
class Vp9Frame:
    """The uncompressed header of one frame.

    Attributes:
        key: Whether it is a key frame, which resets everything that a decoder keeps.
        shown: Whether it is shown: by itself, or an older one in its place.
        colour: Of a key frame.
        quantiser: Base quantiser index, 0 to 255; None where an older frame is shown.
    """

    key: bool
    shown: bool
    colour: Vp9Colour | None = None
    quantiser: int | None = None


def split_superframe(data: bytes) -> list[bytes]:
    """Return the frames of a VP9 packet.

    Raises:
        Unspliceable: Its index contradicts its length.
    """
    if not data:
        raise Unspliceable("a packet is empty")
    marker = data[-1]
    count, magnitude = (marker & 7) + 1, (marker >> 3 & 3) + 1
    length = 2 + count * magnitude
    if marker >> 5 != 0b110 or len(data) < length or data[-length] != marker:
        return [data]
    index, at = data[-length + 1 : -1], 0
    frames: list[bytes] = []
    for number in range(count):
        size = int.from_bytes(index[number * magnitude : (number + 1) * magnitude], "little")
        if at + size > len(data) - length:
            raise Unspliceable("a packet is damaged")
        if size:
            frames.append(data[at : at + size])
        at += size
    return frames


def parse_vp9(frame: bytes) -> Vp9Frame:
    """Read the uncompressed header of a frame.

    Raises:
        Unspliceable: It is none, or cut short.
    """
    bits = Bits(frame[:_HEADER_BYTES])
    if bits.fixed(2) != 2:
        raise Unspliceable("a packet is not a VP9 frame")
    profile = bits.fixed(1) | bits.fixed(1) << 1
    if profile == 3:
        bits.fixed(1)
    if bits.flag():  # show_existing_frame
        return Vp9Frame(key=False, shown=True)
    key, shown, resilient = not bits.flag(), bits.flag(), bits.flag()
    colour = None
    if key:
        colour = _intra(bits, profile)
        _size(bits)
        _render_size(bits)
    elif _intra_only(bits, shown=shown, resilient=resilient):
        if profile:
            _intra(bits, profile)
        else:
            _sync(bits)
        bits.fixed(8)  # refresh_frame_flags
        _size(bits)
        _render_size(bits)
    else:
        _references(bits)
    if not resilient:
        bits.fixed(2)  # refresh_frame_context, frame_parallel_decoding_mode
    bits.fixed(2)  # frame_context_idx
    _loop_filter(bits)
    return Vp9Frame(key, shown, colour, bits.fixed(8))


def with_colour(frame: bytes, colour: Vp9Colour) -> bytes:
    """Return a key frame whose header tells another colour space and range.

    Raises:
        Unspliceable: Their places in the header differ: another profile, or RGB.
    """
    own = parse_vp9(frame).colour
    if own == colour:
        return frame
    if own is None or own.profile != colour.profile or _RGB in {own.space, colour.space}:
        raise Unspliceable("the encoder's frames are not like its own")
    # 2 bits of marker, 2 of profile and 4 flags, 24 of sync code; 1 more each from profile 2 and 3.
    at = 32 + (colour.profile == 3) + (colour.profile >= 2)
    total = 8 * _HEADER_BYTES
    head = int.from_bytes(frame[:_HEADER_BYTES].ljust(_HEADER_BYTES, b"\0"), "big")
    shift = total - at - 4
    head = head & ~(15 << shift) | (colour.space << 1 | colour.full_range) << shift
    return head.to_bytes(_HEADER_BYTES, "big")[: len(frame)] + frame[_HEADER_BYTES:]


def _sync(bits: Bits) -> None:
    if bits.fixed(24) != _SYNC:
        raise Unspliceable("a packet is damaged")


def _intra(bits: Bits, profile: int) -> Vp9Colour:
    _sync(bits)
    if profile >= 2:
        bits.fixed(1)  # ten_or_twelve_bit
    space, full = bits.fixed(3), True
    subsampled = profile in {1, 3}
    if space != _RGB:
        full = bits.flag()
        bits.fixed(3 if subsampled else 0)
    else:
        bits.fixed(1 if subsampled else 0)
    return Vp9Colour(profile, space, full)


def _intra_only(bits: Bits, *, shown: bool, resilient: bool) -> bool:
    intra_only = not shown and bits.flag()
    bits.fixed(0 if resilient else 2)  # reset_frame_context
    return intra_only


def _size(bits: Bits) -> None:
    bits.fixed(32)


def _render_size(bits: Bits) -> None:
    if bits.flag():
        bits.fixed(32)


def _references(bits: Bits) -> None:
    bits.fixed(8 + 3 * 4)  # refresh_frame_flags, ref_frame_idx and sign_bias
    if not any(bits.flag() for _ in range(3)):
        _size(bits)
    _render_size(bits)
    bits.fixed(1)  # allow_high_precision_mv
    if not bits.flag():  # is_filter_switchable
        bits.fixed(2)


def _loop_filter(bits: Bits) -> None:
    bits.fixed(9)  # loop_filter_level, loop_filter_sharpness
    if bits.flag() and bits.flag():
        for _ in range(4 + 2):
            if bits.flag():
                bits.fixed(7)
