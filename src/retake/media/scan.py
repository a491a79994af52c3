"""One pass over a container's packets: what is shown and heard when, without decoding it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av.error
from av.container import InputContainer

from retake.core.errors import BadSource
from retake.media.opening import damaged, time_base

MAX_FRAME_RATE = 300
"""Frames a second beyond which a file is refused: no camera and no screen does more."""


@dataclass
class VideoScan:
    """What the packets of a video stream say; times are in the stream's `time_base`.

    Attributes:
        pts: Presentation times of the packets that are shown, in decode order.
        last: Presentation time of the packet shown last, and its duration (0 when unknown).
        packets: Number of all packets, hidden ones too.
        clean_start: Whether the first packet is a keyframe and nothing is shown before it.
        timed: Whether every packet has a presentation time.
    """

    pts: list[int] = field(default_factory=list[int])
    last: tuple[int, int] = (-(2**62), 0)
    packets: int = 0
    clean_start: bool = True
    timed: bool = True
    corrupt: bool = False
    encrypted: bool = False

    def add(self, packet: Any) -> None:
        """Take one packet into account."""
        self.packets += 1
        self.corrupt |= bool(packet.is_corrupt)
        self.encrypted |= packet.has_sidedata("encryption_info")
        if packet.pts is None:
            self.timed = False
            return
        if self.packets == 1:
            self.clean_start = bool(packet.is_keyframe)
            self._first = packet.pts
        if packet.is_discard:
            return
        self.clean_start &= packet.pts >= self._first
        self.pts.append(packet.pts)
        self.last = max(self.last, (packet.pts, packet.duration or 0))


@dataclass
class AudioScan:
    """First and last moment of an audio stream, in its `time_base`; None without packets."""

    first: int | None = None
    end: int | None = None
    _previous: int | None = None

    def add(self, packet: Any) -> None:
        """Take one packet into account."""
        if packet.pts is None:
            return
        # Matroska does not tell how long a packet of some codecs lasts: as long as the one before.
        last = packet.pts if self._previous is None else self._previous
        end = packet.pts + (packet.duration or max(packet.pts - last, 0))
        self._previous = packet.pts
        self.first = packet.pts if self.first is None else min(self.first, packet.pts)
        self.end = end if self.end is None else max(self.end, end)


def scan(
    container: InputContainer, video: Any, max_seconds: Fraction
) -> tuple[VideoScan, dict[int, AudioScan]]:
    """Read all packets of the video stream and of every sound.

    Args:
        container: Freshly opened; it stands at its end afterwards.
        video: The video stream.
        max_seconds: Reading stops with an error as soon as the pictures last longer.

    Returns:
        What the video's packets say, and the same for each audio stream by its index.

    Raises:
        BadSource: `too_long`, `too_many_frames` or `damaged`.
    """
    pictures = VideoScan()
    sounds = {stream.index: AudioScan() for stream in container.streams.audio}
    max_span = max_seconds / time_base(video.time_base)
    told = None if container.duration is None else Fraction(container.duration, 1_000_000)
    try:
        for packet in container.demux(video, *container.streams.audio):
            if not packet.size:
                continue
            if packet.stream_index == video.index:
                pictures.add(packet)
                _check_span(pictures, max_span, max_seconds, told)
            else:
                sound = sounds[packet.stream_index]
                sound.add(packet)
                _check_sound(sound, time_base(packet.time_base), max_seconds)
    except av.error.FFmpegError as error:
        raise damaged("a packet cannot be read") from error
    return pictures, sounds


def too_long(seconds: Fraction | None, max_seconds: Fraction) -> BadSource:
    """Return the error for a video that lasts longer than is accepted."""
    found = "longer than that" if seconds is None else f"{float(seconds):.3f} s long"
    return BadSource(
        "too_long",
        f"the video is {found}; at most {float(max_seconds):g} s is accepted",
        param="video_uri",
    )


def _check_sound(sound: AudioScan, base: Fraction, max_seconds: Fraction) -> None:
    # As long as with the pictures: whoever writes the track anew holds all of it in memory.
    if sound.first is None or sound.end is None:
        return
    seconds = (sound.end - sound.first) * base
    if seconds > 2 * max_seconds:
        raise BadSource(
            "too_long",
            f"the video's sound is {float(seconds):.3f} s long; at most {float(max_seconds):g} s "
            "is accepted",
            param="video_uri",
        )


def _check_span(
    pictures: VideoScan, max_span: Fraction, max_seconds: Fraction, told: Fraction | None
) -> None:
    if pictures.packets > MAX_FRAME_RATE * (max_seconds + 1):
        raise BadSource(
            "too_many_frames",
            f"the video has more than {pictures.packets - 1} frames; at most {MAX_FRAME_RATE} "
            "a second is accepted",
            param="video_uri",
        )
    # Twice, because only the finished scan knows where the first and the last frame lie.
    if pictures.pts and pictures.last[0] - pictures.pts[0] > 2 * max_span:
        raise too_long(told, max_seconds)
