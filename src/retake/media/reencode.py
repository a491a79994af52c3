"""Rendering into a file written from scratch, where the source's own cannot be patched."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error

from retake.core.errors import RenderFailed
from retake.core.report import Action, StreamReport
from retake.core.source import Source
from retake.media.audio import soundtrack
from retake.media.decode import decode_frames
from retake.media.job import Outcome, RenderJob, sound_report
from retake.media.mux import Muxed, NewPictures, NewSound, mux
from retake.media.pictures.recipe import DEFAULT_CRF, Recipe
from retake.media.pictures.recipes.whole import whole
from retake.media.saving import storage_failed

# What MP4 and MOV players expect; other pictures become H.264 in them.
_AT_HOME = {"mp4": ("hevc", "av1"), "mov": ("hevc", "prores")}


def reencode(job: RenderJob, part: Path, muxer: str, reason: str) -> Outcome:
    """Write the streams concerned anew as a whole, and copy the others.

    Args:
        job: What to render.
        part: Where to write.
        muxer: FFmpeg's name of the container.
        reason: Why nothing could be spliced, for the report.

    Raises:
        RenderFailed: A stream cannot be encoded or put into the container.
        StorageFailed: Writing failed.
        Cancelled: The watch was cancelled.
    """
    pictures = None
    if job.new_pictures:
        pictures = NewPictures(_recipe(job.source, muxer), _all_pictures(job))
    sound = _sound(job) if job.new_sound else None
    try:
        muxed = mux(job.src, part, muxer, job.source, pictures, sound, job.watch)
    except av.error.FFmpegError as error:
        # FFmpeg's own numbers are negative; the system's are what writing failed with.
        number = error.errno or 0
        if isinstance(error, OSError) or 0 < number < 200:
            raise storage_failed(number) from error
        raise RenderFailed(
            "not_muxed", f"the new file could not be put together: {error.strerror}"
        ) from error
    except ValueError as error:
        raise RenderFailed(
            "not_muxed", f"a stream of the source does not fit into {muxer}: {error}"
        ) from error
    codec = pictures.recipe.codec if pictures else None
    return Outcome(
        _video_report(job, muxed, reason, codec), _audio_report(job, muxed, sound, reason)
    )


def _recipe(source: Source, muxer: str) -> Recipe:
    return whole(
        source.video,
        crf=DEFAULT_CRF,
        reorder=2,
        tag=None,
        own=_AT_HOME.get(muxer, ("h264", "hevc", "vp8", "vp9", "av1", "prores")),
    )


def _all_pictures(job: RenderJob) -> Iterator[av.VideoFrame]:
    """Yield every frame of the new stream: the source's, and the take's in the section."""
    frames = job.section.frames
    count = len(job.source.video.pts)
    # One pass over the source: the section has to be decoded anyway for what follows it.
    taken = job.pictures()
    for number, frame in enumerate(decode_frames(job.src, job.source, 0, count)):
        if number not in frames:
            yield frame
            continue
        new = next(taken, None)
        if new is None:
            raise RenderFailed("take_missing", "the take has fewer pictures than the section")
        yield new


def _sound(job: RenderJob) -> NewSound:
    samples, rate = job.sound()
    audio, start = job.audio, job.section.start
    if audio is None:
        whole_sound = soundtrack.silence_around(job.source, start, samples, rate)
        return NewSound(whole_sound, rate, Fraction(0))
    begins, whole_sound = soundtrack.full_sound(job.src, audio, start, samples)
    return NewSound(whole_sound, rate, begins, audio.bit_rate, audio.index)


def _video_report(job: RenderJob, muxed: Muxed, reason: str, codec: str | None) -> StreamReport:
    if job.new_pictures:
        return job.pictures_report(
            Action.REENCODED, muxed.pictures, job.source.video.pts, reason, codec
        )
    return job.pictures_report(Action.COPIED, muxed.copied[job.source.video.index])


def _audio_report(
    job: RenderJob, muxed: Muxed, sound: NewSound | None, reason: str
) -> StreamReport:
    if sound is None:
        if job.audio is None:
            return StreamReport(Action.ABSENT)
        return sound_report(job, Action.COPIED, muxed.copied[job.audio.index])
    created = job.audio is None
    generated = round(job.section.duration * sound.rate)
    return StreamReport(
        action=Action.CREATED if created else Action.REENCODED,
        codec="aac",
        reason="the source has no sound" if created else reason,
        packets=muxed.sound,
        frames_reencoded=0 if created else max(sound.samples.shape[1] - generated, 0),
        frames_generated=generated,
    )
