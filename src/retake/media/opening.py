"""Opening a file that somebody else made, so that it can neither reach out nor blow up.

FFmpeg opens what a file's content says, not what its name says: a text that starts like a playlist
makes it open other files and sockets. Here only demuxers of self-contained files are allowed, only
the `file` protocol, and no picture larger than asked for is ever allocated.
"""

from __future__ import annotations

import errno
import stat
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import Flags, InputContainer

from retake.core.errors import BadSource

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg"
"""FFmpeg's names of the demuxers that read one file and nothing else."""


def pixel_allowance(width: int, height: int) -> int:
    """Return the `max_pixels` that lets pictures of a size in.

    FFmpeg's limit also counts alignment and, with the MPEG family, scratch memory of four times
    the picture. What is refused still costs less than a tenth of what a picture bomb asks for.
    """
    return 4 * (width + 128) * (height + 128)


MAX_PIXELS = pixel_allowance(3840, 2160)
"""The allowance for 4K, which is the default."""

MAX_STREAMS = 32

# PyAV 19 lets names and titles that are not UTF-8 pass by itself; 18 has to be told.
_LENIENT: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)

ACCEPTED = "MP4, MOV, MKV, WebM, AVI, MPEG-TS, MPEG-PS, FLV and Ogg"


def open_source(path: Path, *, max_pixels: int = MAX_PIXELS) -> InputContainer:
    """Open a video file for reading; close it, or use it in a `with` statement.

    Args:
        path: A regular file.
        max_pixels: Decoding a larger picture fails instead of allocating it.

    Raises:
        BadSource: `not_found`, `is_directory`, `not_a_file`, `empty`, `no_permission`, or
            `not_a_video` for everything that is not media in one of the accepted containers.
    """
    check_file(path)
    pixels = {"max_pixels": str(max_pixels)}
    try:
        container = av.open(
            # The prefix keeps a name such as "concat:a|b" from being read as a protocol.
            f"file:{path.absolute()}",
            "r",
            options={
                "protocol_whitelist": "file",
                "format_whitelist": DEMUXERS,
                "max_streams": str(MAX_STREAMS),
                # PyAV hands these to the decoders that look into the file while it is opened, too.
                **pixels,
            },
            **_LENIENT,
        )
    except (av.error.FFmpegError, ValueError, OverflowError) as error:
        raise BadSource(
            "not_a_video",
            f"the file is not a video that can be read; accepted are {ACCEPTED}",
            param="video_uri",
        ) from error
    # AVI and the like give packets no presentation times; everybody must see the same ones.
    container.flags |= Flags.gen_pts.value
    for stream in container.streams.video:
        context: Any = stream.codec_context
        # Streams that nothing here can decode have none.
        if context is not None:
            context.options = pixels
    return container


def check_file(path: Path) -> int:
    """Return the length in bytes of a regular, readable file that is not empty.

    Raises:
        BadSource: It is none; see `open_source`.
    """
    try:
        info = path.stat()
        kind = info.st_mode
        if stat.S_ISREG(kind):
            with path.open("rb"):
                pass
    except (OSError, ValueError) as error:
        raise _not_readable(error) from error
    if stat.S_ISDIR(kind):
        raise BadSource(
            "is_directory", "the source is a folder; a video file is accepted", param="video_uri"
        )
    if not stat.S_ISREG(kind):
        raise BadSource(
            "not_a_file",
            "the source is a device, pipe or socket; a regular file is accepted",
            param="video_uri",
        )
    if not info.st_size:
        raise BadSource("empty", "the file holds no bytes at all", param="video_uri")
    return info.st_size


def _not_readable(error: OSError | ValueError) -> BadSource:
    if isinstance(error, OSError) and error.errno in {errno.EACCES, errno.EPERM}:
        return BadSource(
            "no_permission", "there is no permission to read the file", param="video_uri"
        )
    return BadSource("not_found", "there is no such file", param="video_uri")


def damaged(what: str) -> BadSource:
    """Return the error for a file whose inside is broken; `what` says where, in a few words."""
    return BadSource(
        "damaged", f"the video is damaged: {what}; an intact file is accepted", param="video_uri"
    )


def fraction(value: Any) -> Fraction | None:
    """Return a rational number of PyAV as a Fraction; None stays None, and so does x/0.

    PyAV 18 gives Fraction, PyAV 19 its own type; both have a numerator and a denominator.
    """
    if value is None or not value.denominator:
        return None
    return Fraction(int(value.numerator), int(value.denominator))


def time_base(value: Any) -> Fraction:
    """Return a time base of PyAV as a Fraction.

    Raises:
        BadSource: `damaged`: there is none.
    """
    base = fraction(value)
    if not base:
        raise damaged("a stream has no time base")
    return base
