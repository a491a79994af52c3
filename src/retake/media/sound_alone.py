"""The sound of a finished file as a file of its own, its packets as they are where that can be."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from retake.core.errors import RenderFailed, StorageFailed
from retake.core.source import AudioStream
from retake.core.watch import Watch
from retake.media.muxing import sound
from retake.media.opening import open_source
from retake.media.saving import saved_whole
from retake.media.sound import read_sound

_HOMES: Mapping[str, tuple[str, str]] = {
    "aac": (".m4a", "ipod"),
    "alac": (".m4a", "ipod"),
    "opus": (".ogg", "ogg"),
    "vorbis": (".ogg", "ogg"),
    "mp3": (".mp3", "mp3"),
    "flac": (".flac", "flac"),
    **{f"pcm_{name}": (".wav", "wav") for name in ("s16le", "s24le", "s32le", "f32le", "u8")},
    **dict.fromkeys(("ac3", "eac3", "mp2", "dts", "truehd"), (".mka", "matroska")),
}
"""The ending and FFmpeg's muxer of the file that people expect a codec's sound in."""


def sound_alone(out: Path, audio: AudioStream, stem: Path, watch: Watch) -> Path:
    """Write one track of sound of a finished file as a file of its own.

    Args:
        out: The finished file.
        audio: The track.
        stem: Where the new file goes, without its ending.
        watch: Asked for a wish to cancel.

    Returns:
        The new file: its own packets, or FLAC where no file for sound alone takes those.

    Raises:
        RenderFailed: It cannot be written in any way.
        StorageFailed: It cannot be written to the disk.
        Cancelled: The watch was cancelled.
    """
    home = _HOMES.get(audio.codec)
    if home is not None:
        target = stem.with_name(f"{stem.name}{home[0]}")
        try:
            with saved_whole(target) as part:
                _copied(out, audio, part, home[1], watch)
        except (ValueError, av.error.FFmpegError):
            pass
        except StorageFailed as error:
            # Some of a muxer's refusals look like the system's.
            if error.code == "disk_full":
                raise
        else:
            return target
    target = stem.with_name(f"{stem.name}.flac")
    try:
        with saved_whole(target) as part:
            _encoded(out, audio, part, watch)
    except (ValueError, av.error.FFmpegError) as error:
        raise RenderFailed("not_muxed", f"the sound alone cannot be written: {error}") from error
    return target


def _copied(out: Path, audio: AudioStream, part: Path, muxer: str, watch: Watch) -> None:
    with open_source(out) as container, av.open(part, "w", format=muxer) as target:
        old: Any = container.streams[audio.index]
        new: Any = target.add_stream_from_template(old, opaque=True)
        if new.codec_context is not None:
            # Another kind of file has other letters for it.
            new.codec_context.codec_tag = "\0\0\0\0"
        shift: int | None = None
        for packet in container.demux(old):
            watch.check()
            if not packet.size or packet.pts is None:
                continue
            if shift is None:
                # The new file begins with the first sample that sounds; an encoder's priming
                # stays before it.
                began = packet.pts if old.start_time is None else old.start_time
                shift = max(began, packet.pts)
            packet.pts -= shift
            packet.dts = packet.pts
            packet.stream = new
            target.mux_one(packet)


def _encoded(out: Path, audio: AudioStream, part: Path, watch: Watch) -> None:
    end = audio.start + audio.duration
    samples = read_sound(out, audio, audio.start, end)
    with av.open(part, "w", format="flac") as target:
        track = sound.add_track(
            target, "flac", audio.channels, audio.sample_rate, audio.layout, None
        )
        target.start_encoding()
        for _, packet in sound.encoded(track, samples, audio.sample_rate, Fraction(0), watch):
            target.mux_one(packet)
