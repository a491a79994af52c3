"""Rendering into a file written from scratch: MKV, WebM, and whatever cannot be patched.

Each stream goes its own way: copied packet for packet, spliced, or, where that cannot be or another
codec is wanted, encoded anew as a whole with the reason in the report.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import av.error

from retake.core.containers import CONTAINERS, file_title, title_of
from retake.core.errors import RenderFailed
from retake.core.report import Action, StreamReport
from retake.media.audio.spliced import SplicedSound
from retake.media.bitstream.messages import SAYING
from retake.media.job import (
    FORCED,
    Outcome,
    RenderJob,
    sound_report,
    spliced_outcome,
    spliced_sound_report,
)
from retake.media.muxing.contents import (
    Contents,
    EncodedPictures,
    EncodedSound,
    Pictures,
    Sound,
    SplicedPictures,
)
from retake.media.muxing.form import form_of
from retake.media.muxing.write import Written, write
from retake.media.opening import open_source
from retake.media.packets import packets_of
from retake.media.pictures.several import splice_several
from retake.media.pictures.spliced import Spliced
from retake.media.reencode import depth_of, encoded_pictures, encoded_sound, other_sound
from retake.media.saving import is_the_disk, spool, storage_failed
from retake.media.unspliceable import Unspliceable

_SPLICEABLE = frozenset({"mp4", "mov", "mkv", "webm"})
"""Kinds of files whose packets stand alone, with their configuration told apart from them."""


def remux(job: RenderJob, part: Path, file_type: str, reason: str | None = None) -> Outcome:
    """Write the job's source with the take in it as a new file.

    Args:
        job: What to render.
        part: Where to write.
        file_type: What kind of file.
        reason: Why pictures that change have to be encoded anew; None splices them.

    Raises:
        RenderFailed: A stream cannot be encoded or put into the container.
        StorageFailed: Writing failed.
        Cancelled: The watch was cancelled.
    """
    with ExitStack() as files:
        work = _Remux(job, file_type, part.parent, files, reason)
        pictures, sound = work.pictures(), work.sound()
        form = form_of(file_type, job.source)
        contents = Contents(pictures.new, sound.new, work.other_sounds())
        try:
            written = write(job.src, part, form, job.source, contents, job.watch)
        except av.error.FFmpegError as error:
            raise _told(error) from error
        except ValueError as error:
            raise RenderFailed(
                "not_muxed", f"a stream of the source does not fit into {file_type}: {error}"
            ) from error
    done = spliced_outcome(
        _video_report(job, pictures, written),
        _audio_report(job, sound, written),
        pictures.done,
        sound.new if isinstance(sound.new, SplicedSound) else None,
    )
    return replace(done, lost=tuple(written.lost), recoded=work.unlike())


@dataclass(frozen=True, slots=True)
class _Way:
    """The way that pictures go, and why they are encoded anew where they are."""

    new: Pictures = None
    reason: str | None = None

    @property
    def done(self) -> Spliced | None:
        return self.new.done if isinstance(self.new, SplicedPictures) else None


@dataclass(frozen=True, slots=True)
class _SoundWay:
    """The same for sound."""

    new: Sound = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Remux:
    job: RenderJob
    file_type: str
    folder: Path
    files: ExitStack
    reason: str | None

    def pictures(self) -> _Way:
        job = self.job
        reason = self._unheld("video", job.source.video.codec, job.conversion.video_codec)
        reason = reason or self._hidden()
        if reason is None and not job.new_pictures:
            return _Way()
        reason = reason or self._unspliced() or self.reason
        if reason is None:
            file = self.files.enter_context(spool(self.folder))
            try:
                return _Way(SplicedPictures(splice_several(job.tasks(file)), file))
            except Unspliceable as why:
                reason = str(why)
        new = encoded_pictures(job, self.file_type)
        return _Way(new, reason + _coarser(job, new))

    def sound(self) -> _SoundWay:
        job, audio = self.job, self.job.audio
        if audio is None:
            if not job.new_sound:
                return _SoundWay()
            return _SoundWay(encoded_sound(job, self.file_type), "the source has no sound")
        reason = self._unheld("audio", audio.codec, job.conversion.audio_codec)
        if reason is None and not job.new_sound:
            return _SoundWay()
        reason = reason or self._unspliced()
        if reason is None:
            try:
                return _SoundWay(job.spliced_sound(audio))
            except Unspliceable as why:
                reason = str(why)
        return _SoundWay(encoded_sound(job, self.file_type), reason)

    def other_sounds(self) -> dict[int, EncodedSound]:
        """Return the further tracks of sound that the container does not hold as they are."""
        return {
            audio.index: other_sound(self.job, audio, self.file_type)
            for audio in self.job.source.audio[1:]
            if self._unheld("audio", audio.codec, None)
        }

    def _unheld(self, kind: str, own: str, wanted: str | None) -> str | None:
        """Return why a codec cannot stay as it is; None where it can."""
        if wanted is not None and wanted != own:
            return f"{title_of(wanted)} was asked for"
        if self.file_type == self.job.source.file_type:
            return None
        home = CONTAINERS[self.file_type]
        held = home.video if kind == "video" else home.audio
        return None if own in held else f"{home.title} does not hold {title_of(own)}"

    def _unspliced(self) -> str | None:
        """Return why nothing can be spliced in this file; None where it can."""
        if self.job.force_full:
            return FORCED
        for file_type in (self.job.source.file_type, self.file_type):
            if file_type not in _SPLICEABLE:
                return f"{file_title(file_type)} files cannot be spliced"
        return None

    def _hidden(self) -> str | None:
        """Return why pictures cannot stay as they are where an edit list hides some of them.

        The new file has another edit list or none: what is hidden would be seen.
        """
        job = self.job
        if job.source.file_type not in {"mp4", "mov"}:
            return None
        with open_source(job.src) as container:
            packets = packets_of(container, job.source.video.index)
            hidden = sum(bool(packet.is_discard) for packet in packets)
        return f"its edit list hides {hidden} of its pictures" if hidden else None

    def unlike(self) -> tuple[int, ...]:
        """Return the further tracks of sound whose packets do not stay byte for byte."""
        wrapped = (self.file_type == "ts") != (self.job.source.file_type == "ts")
        return tuple(
            audio.index
            for audio in self.job.source.audio[1:]
            # MPEG-TS has a header before every packet of AAC.
            if self._unheld("audio", audio.codec, None) or (wrapped and audio.codec == "aac")
        )


def _coarser(job: RenderJob, new: EncodedPictures) -> str:
    """Return what to add to the reason where the new codec has fewer bits than the source."""
    depth, bits = job.source.video.bit_depth, depth_of(new.recipe.pix_fmt)
    return f"; its encoder has {bits} bits, the source {depth}" if bits < depth else ""


def _wordless(new: EncodedPictures) -> str:
    """Return what to add to the reason where closed captions were found and had no way on."""
    if not new.said or new.recipe.codec in SAYING:
        return ""
    return f"; its closed captions are lost, {title_of(new.recipe.codec)} has no place for them"


def _told(error: av.error.FFmpegError) -> Exception:
    # Muxers answer times and sizes that they cannot write with the system's numbers, too.
    if is_the_disk(error.errno or 0):
        return storage_failed(error.errno or 0)
    return RenderFailed("not_muxed", f"the new file could not be put together: {error.strerror}")


def _video_report(job: RenderJob, way: _Way, written: Written) -> StreamReport:
    if way.done is not None:
        return job.spliced_report(way.done)
    if isinstance(way.new, EncodedPictures):
        codec, pts = way.new.recipe.codec, job.source.video.pts
        reason = (way.reason or "") + _wordless(way.new)
        return job.pictures_report(Action.REENCODED, written.pictures, pts, reason, codec)
    return job.pictures_report(Action.COPIED, written.pictures)


def _audio_report(job: RenderJob, way: _SoundWay, written: Written) -> StreamReport:
    new = way.new
    if isinstance(new, EncodedSound):
        created = job.audio is None
        generated = round(job.heard_seconds * new.rate)
        return StreamReport(
            action=Action.CREATED if created else Action.REENCODED,
            codec=new.codec,
            reason=way.reason,
            packets=written.sound,
            frames_reencoded=0 if created else max(new.samples.shape[1] - generated, 0),
            frames_generated=generated,
        )
    if new is not None:
        return spliced_sound_report(job, new)
    if job.audio is None:
        return StreamReport(Action.ABSENT)
    return sound_report(job, Action.COPIED, written.sound)
