"""What is known of a source before anything is decided about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Colour:
    """Colour tags as integers of ISO/IEC 23091-2 (the same numbers as FFmpeg's enums).

    `full_range` is the video range flag: False means studio range (16-235 at 8 bits).
    A 2 in the other fields means "unspecified".
    """

    full_range: bool
    primaries: int
    transfer: int
    matrix: int


@dataclass(frozen=True)
class VideoStream:
    """The stream of pictures that is edited.

    Attributes:
        index: Stream index in the container.
        codec: FFmpeg's codec name, such as ``h264``.
        profile: FFmpeg's profile name, or None.
        pix_fmt: FFmpeg's pixel format name, such as ``yuv420p``.
        bit_depth: Bits of one luma sample.
        width, height: Size of the coded picture as stored, in pixels.
        rotation: Clockwise turn that shows the picture upright: 0, 90, 180 or 270.
        sample_aspect_ratio: Shape of a stored pixel; 1 when square or unknown.
        frame_rate: Average frames a second.
        time_base: Seconds that one unit of `pts` stands for.
        pts: Presentation time of every shown frame, ascending, in `time_base`. Packets that an
            edit list hides are not in it.
        end_pts: When the last frame's display ends.
        colour: Colour tags.
        interlaced: Whether the stream holds fields.
    """

    index: int
    codec: str
    profile: str | None
    pix_fmt: str
    bit_depth: int
    width: int
    height: int
    rotation: int
    sample_aspect_ratio: Fraction
    frame_rate: Fraction
    time_base: Fraction
    pts: tuple[int, ...]
    end_pts: int
    colour: Colour
    interlaced: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the picture as a viewer sees it, in stored pixels."""
        if self.rotation % 180:
            return self.height, self.width
        return self.width, self.height

    @cached_property
    def times(self) -> tuple[Fraction, ...]:
        """Seconds at which each frame appears; the first one appears at 0."""
        return tuple((pts - self.pts[0]) * self.time_base for pts in self.pts)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame's appearance to the end of the last one's."""
        return (self.end_pts - self.pts[0]) * self.time_base

    def time_of(self, frame: int) -> Fraction:
        """Return when `frame` appears, in seconds; one past the last gives the end."""
        return self.times[frame] if frame < len(self.pts) else self.duration


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One stream of sound.

    `start` is when its first sample sounds, in seconds from the first frame's appearance (it may
    be negative); `frame_size` is samples a packet, 0 where it varies; `language` is the code that
    the container has for it, such as ``eng``.
    """

    index: int
    codec: str
    profile: str | None
    sample_rate: int
    channels: int
    layout: str
    time_base: Fraction
    start: Fraction
    duration: Fraction
    frame_size: int
    bit_rate: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A probed video file: what is in it. Where it lies is told apart from this.

    Attributes:
        container: FFmpeg's demuxer name, such as ``mov,mp4,m4a,3gp,3g2,mj2``.
        video: The stream of pictures that is edited.
        audio: Streams of sound that can be decoded; the first one is edited: the file's default
            one unless a request chose another.
        other_streams: Number of further streams (subtitles, data, attached pictures).
        size_bytes: Length of the file.
        fragmented: Whether an MP4 is fragmented (moof boxes).
        file_type: What the container is called on the wire: ``mp4``, ``mov``, ``mkv``, ``webm``,
            ``avi``, ``ts``, ``mpg``, ``flv`` or ``ogg``.
    """

    container: str
    video: VideoStream
    audio: tuple[AudioStream, ...]
    other_streams: int
    size_bytes: int
    fragmented: bool = False
    file_type: str = "mp4"

    @property
    def edited_track(self) -> int:
        """Place, from 0 on, of the edited track among the file's sounds; 0 without any."""
        if not self.audio:
            return 0
        return sum(audio.index < self.audio[0].index for audio in self.audio)

    def with_track_first(self, index: int) -> Source:
        """Return the same with the sound of that stream index as the one that is edited."""
        return replace(self, audio=tuple(sorted(self.audio, key=lambda a: a.index != index)))
