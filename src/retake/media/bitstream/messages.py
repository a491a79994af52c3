"""Supplemental messages (SEI) of H.264 and HEVC: taken out of one packet, put into another.

Syntax: ITU-T H.264 (08/2021), 7.3.2.3 and annex D; ITU-T H.265 (08/2021), 7.3.5 and annex D.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retake.media.bitstream.nal import (
    escape,
    join_sized,
    split_annexb,
    split_sized,
    unescape,
)

REGISTERED = 4
"""Type of a message whose meaning somebody registered."""

_ATSC = b"\xb5\x00\x31"
"""Of the United States' broadcasters (ATSC A/53): closed captions, the format of the frame."""

_HEADERS = {"h264": b"\x06", "hevc": b"\x4e\x01"}

SAYING = frozenset({*_HEADERS, "mpeg2video"})
"""Codecs whose packets take closed captions; see `with_captions`."""


def messages(nal: bytes, header: int) -> Iterator[tuple[int, bytes]]:
    """Yield type and payload of each message in a SEI NAL unit, up to where it is damaged.

    Args:
        nal: The NAL unit.
        header: Bytes of its header: 1 in H.264, 2 in HEVC.
    """
    data = unescape(nal)
    at = header
    while at + 2 <= len(data):
        numbers: list[int] = []
        for _ in range(2):
            number = 0
            while at < len(data) and data[at] == 255:
                number, at = number + 255, at + 1
            if at == len(data):
                return
            numbers.append(number + data[at])
            at += 1
        kind, size = numbers
        if at + size > len(data):
            return
        yield kind, data[at : at + size]
        at += size


def message_unit(codec: str, kind: int, data: bytes) -> bytes:
    """Return a SEI NAL unit of `codec` with one message in it."""
    sizes = b"".join(
        b"\xff" * (number // 255) + bytes([number % 255]) for number in (kind, len(data))
    )
    return escape(_HEADERS[codec] + sizes + data + b"\x80")


def broadcast_in(codec: str, sample: bytes, length_size: int) -> tuple[bytes, ...]:
    """Return the payload of each registered message of a sample that is a broadcaster's.

    Raises:
        Unspliceable: The sample is damaged.
    """
    header = _HEADERS[codec]
    return tuple(
        data
        for nal in split_sized(sample, length_size)
        if _type_of(codec, nal) == _type_of(codec, header)
        for kind, data in messages(nal, len(header))
        if kind == REGISTERED and data.startswith(_ATSC)
    )


def with_messages(
    codec: str, sample: bytes, kind: int, payloads: Iterable[bytes], length_size: int
) -> bytes:
    """Return a sample with more messages of a type, which stand before its first slice.

    Raises:
        Unspliceable: The sample is damaged.
    """
    units = [message_unit(codec, kind, data) for data in payloads]
    nals = list(split_sized(sample, length_size))
    slices = range(1, 6) if codec == "h264" else range(32)
    first = next((at for at, nal in enumerate(nals) if _type_of(codec, nal) in slices), len(nals))
    return join_sized([*nals[:first], *units, *nals[first:]], length_size)


def _type_of(codec: str, nal: bytes) -> int:
    return nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63


def with_captions(codec: str, packet: bytes, said: bytes) -> bytes:
    """Return an encoder's packet with closed captions in it, unless it has some already.

    Args:
        codec: H.264, HEVC or MPEG-2; packets of others stay as they are.
        packet: A byte stream with start codes.
        said: cc_data of ATSC A/53 part 4 (2009), 6.2.3: three bytes a character pair, as FFmpeg
            hands them out with a picture.
    """
    if b"GA94" in packet or len(said) // 3 > 31:
        return packet
    data = b"GA94\x03" + bytes([0x40 | len(said) // 3, 0xFF]) + said + b"\xff"
    if codec == "mpeg2video":
        # ISO/IEC 13818-2, 6.2.3: user data stand between the picture's headers and its slices.
        first = packet.index(b"\0\0\1\x01")
        return packet[:first] + b"\0\0\1\xb2" + data + packet[first:]
    if codec not in _HEADERS:
        return packet
    sized = join_sized(split_annexb(packet), 4)
    told = with_messages(codec, sized, REGISTERED, [_ATSC + data], 4)
    return b"".join(b"\0\0\0\1" + nal for nal in split_sized(told, 4))
