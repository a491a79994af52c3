"""Patching an MP4 or MOV: new packets in the slots of old ones, every other byte kept."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from retake.core.report import Action, StreamReport
from retake.core.source import AudioStream
from retake.media.audio import soundtrack
from retake.media.audio.slots import spliced_edit
from retake.media.audio.spliced import SplicedSound
from retake.media.audio.timeline import extradata
from retake.media.job import (
    FORCED,
    Outcome,
    RenderJob,
    sound_report,
    spliced_outcome,
    spliced_sound_report,
)
from retake.media.mp4.boxes import read_moov
from retake.media.mp4.edits import Edit, NewTrack
from retake.media.mp4.fragments import read_fragments
from retake.media.mp4.graft import movie_timescale
from retake.media.mp4.refragment import refragment
from retake.media.mp4.rewrite import read_tracks, rewrite
from retake.media.mp4.tables import Track
from retake.media.opening import open_source
from retake.media.packets import index_packets
from retake.media.pictures.exchange import reencoded_slots, spliced_slots
from retake.media.pictures.several import in_one
from retake.media.pictures.spliced import Spliced
from retake.media.reencode import encoded_sound
from retake.media.saving import spool
from retake.media.unspliceable import Unspliceable


@dataclass(slots=True)
class _Patch:
    """What is going to change in the file, gathered stream by stream."""

    job: RenderJob
    tracks: dict[int, Track]
    files: ExitStack
    folder: Path
    edits: dict[int, Edit] = field(default_factory=dict[int, Edit])
    new: list[NewTrack] = field(default_factory=list[NewTrack])

    def track(self, stream: int) -> Track:
        """Return the tables of a stream, by its index in the container.

        Raises:
            Unspliceable: No track is this stream.
        """
        with open_source(self.job.src) as container:
            number = int(container.streams[stream].id)
        if number not in self.tracks:
            raise Unspliceable("its streams do not match the file's tracks")
        return self.tracks[number]

    def movie_timescale(self) -> int:
        """Return the units of the movie's own times in a second."""
        with self.job.src.open("rb") as file:
            moov, _ = read_moov(file, self.job.source.size_bytes)
        return movie_timescale(moov)

    def scratch(self) -> BinaryIO:
        """Return a nameless file that lives as long as the patch."""
        return self.files.enter_context(spool(self.folder))


def patch(job: RenderJob, part: Path) -> Outcome:
    """Write the job's source with the take in it.

    Args:
        job: What to render.
        part: Where to write.

    Raises:
        Unspliceable: The file cannot be patched; the text says why.
        RenderFailed: An encoder failed.
        OSError: Writing failed.
        Cancelled: The watch was cancelled.
    """
    if "mp4" not in job.source.container:
        raise Unspliceable(f"{job.source.container.split(',')[0]} files cannot be spliced yet")
    parts = read_fragments(job.src) if job.source.fragmented else None
    tracks = read_tracks(job.src) if parts is None else parts.tracks
    with ExitStack() as files:
        work = _Patch(job, {track.id: track for track in tracks}, files, part.parent)
        # Sound first: it takes no time to find that it does not fit.
        audio, sound = _audio(work)
        video, pictures = _video(work)
        with part.open("wb") as out:
            if parts is None:
                rewrite(job.src, out, work.edits, work.new, job.watch)
            else:
                refragment(job.src, out, parts, work.edits, job.watch)
    return spliced_outcome(video, audio, pictures, sound)


def _video(work: _Patch) -> tuple[StreamReport, Spliced | None]:
    job, video = work.job, work.job.source.video
    if not job.new_pictures:
        count = len(index_packets(job.src, video.index))
        return job.pictures_report(Action.COPIED, count), None
    track = work.track(video.index)
    tasks = job.tasks(work.scratch())
    reason = FORCED if job.force_full else None
    if reason is None:
        try:
            work.edits[track.id], done = spliced_slots(tasks, track)
        except Unspliceable as why:
            reason = str(why)
        else:
            return job.spliced_report(done), done
    work.edits[track.id], plan, recipe = reencoded_slots(in_one(tasks), track)
    report = job.pictures_report(Action.REENCODED, plan.count, plan.region, reason, recipe.codec)
    return report, None


def _audio(work: _Patch) -> tuple[StreamReport, SplicedSound | None]:
    job, audio = work.job, work.job.audio
    if audio is None:
        if not job.new_sound:
            return StreamReport(Action.ABSENT), None
        return _new_track(work, Action.CREATED, "the source has no sound"), None
    if not job.new_sound:
        count = len(index_packets(job.src, audio.index))
        return sound_report(job, Action.COPIED, count), None
    reason = FORCED if job.force_full else None
    if reason is None:
        try:
            return _spliced(work, audio)
        except Unspliceable as why:
            reason = str(why)
    track = work.track(audio.index)
    return _new_track(work, Action.REENCODED, reason, replaces=track.id), None


def _spliced(work: _Patch, audio: AudioStream) -> tuple[StreamReport, SplicedSound]:
    job, track = work.job, work.track(audio.index)
    done = job.spliced_sound(audio)
    config = extradata(job.src, audio.index)
    work.edits[track.id] = spliced_edit(track, config, done, work.scratch())
    return spliced_sound_report(job, done), done


def _new_track(
    work: _Patch, action: Action, reason: str, replaces: int | None = None
) -> StreamReport:
    job, file_type = work.job, work.job.source.file_type
    if job.source.fragmented:
        raise Unspliceable("a new track does not fit between its fragments")
    sound = encoded_sound(job, file_type)
    new = soundtrack.write_track(
        work.scratch(),
        sound,
        sound.begins + job.video_start,
        muxer=file_type,
        movie_timescale=work.movie_timescale(),
        replaces=replaces,
        watch=job.watch,
    )
    work.new.append(new)
    generated = round(job.heard_seconds * sound.rate)
    again = sound.samples.shape[1] - generated if action is Action.REENCODED else 0
    return StreamReport(
        action=action,
        codec=sound.codec,
        reason=reason,
        packets=new.track.count,
        frames_reencoded=max(again, 0),
        frames_generated=generated,
    )
