"""What a render works on, and what it did to each stream."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.conversion import Conversion
from retake.core.errors import RenderFailed
from retake.core.report import Action, StreamReport
from retake.core.request import Mode
from retake.core.section import Section
from retake.core.source import AudioStream, Source
from retake.core.watch import Watch
from retake.media.audio.spliced import SplicedSound
from retake.media.decode import decode_frames
from retake.media.fields import dressed
from retake.media.pictures.spliced import Spliced
from retake.media.sound import sample_at
from retake.media.take import TakeFiles, read_sound_file, read_take

FORCED = "a full re-encode was asked for"


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One render: the source, the section, the take, and what of it is wanted.

    Attributes:
        src: The source file.
        source: What is in it.
        section: What the take replaces.
        mode: Whether pictures, sound or both are replaced.
        take: The take.
        watch: Progress and cancelling.
        force_full: Encode the streams concerned anew as a whole even where they can be spliced.
        conversion: The codecs that are asked for, where others than the source's.
    """

    src: Path
    source: Source
    section: Section
    mode: Mode
    take: TakeFiles
    watch: Watch
    force_full: bool = False
    conversion: Conversion = field(default_factory=Conversion)

    @property
    def new_pictures(self) -> bool:
        """Whether the section's pictures are replaced."""
        return self.mode.replaces_video

    @property
    def new_sound(self) -> bool:
        """Whether the section's sound is replaced."""
        return self.mode.replaces_audio and self.take.sound is not None

    @property
    def audio(self) -> AudioStream | None:
        """The stream of sound that is edited; None where the source has none."""
        return self.source.audio[0] if self.source.audio else None

    @property
    def video_start(self) -> Fraction:
        """When the first frame is shown, in seconds of the container's clock."""
        return self.source.video.pts[0] * self.source.video.time_base

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Start reading the take's pictures.

        Raises:
            RenderFailed: `take_missing`: the take has none.
        """
        if self.take.video is None:
            raise RenderFailed("take_missing", "the take has no pictures to put in")
        taken = read_take(self.take.video)
        if not self.source.video.interlaced:
            return taken
        frames = self.section.frames
        return dressed(taken, decode_frames(self.src, self.source, frames.start, frames.end))

    def sound(self) -> tuple[NDArray[np.float32], int]:
        """Return the take's sound and its rate: for a track, exactly the section's samples.

        Raises:
            RenderFailed: `take_missing` or `take_mismatch`.
        """
        if self.take.sound is None:
            raise RenderFailed("take_missing", "the take has no sound to put in")
        samples, rate = read_sound_file(self.take.sound)
        audio = self.audio
        if audio is None:
            return samples, rate
        if (rate, samples.shape[0]) != (audio.sample_rate, audio.channels):
            raise RenderFailed(
                "take_mismatch",
                f"the take's sound has {samples.shape[0]} channels at {rate} Hz; the track has "
                f"{audio.channels} at {audio.sample_rate} Hz",
            )
        count = sample_at(audio, self.section.end) - sample_at(audio, self.section.start)
        exact = np.zeros((samples.shape[0], count), np.float32)
        given = min(count, samples.shape[1])
        exact[:, :given] = samples[:, :given]
        return exact, rate

    def pictures_report(
        self,
        action: Action,
        packets: int,
        region: Collection[int] = (),
        reason: str | None = None,
        codec: str | None = None,
    ) -> StreamReport:
        """Return the report on the pictures.

        Args:
            action: What was done.
            packets: Packets of the new stream.
            region: Times of the frames that were encoded, hidden ones among them.
            reason: Why the whole stream was.
            codec: As what; None for the source's codec.
        """
        shown = len(self.source.video.pts)
        generated = len(self.section.frames) if region and self.new_pictures else 0
        again = len(set(region) & set(self.source.video.pts)) - generated
        return StreamReport(
            action=action,
            codec=codec or self.source.video.codec,
            reason=reason,
            packets=packets,
            packets_copied=packets - len(region),
            frames_exact=shown - again - generated,
            frames_reencoded=again,
            frames_generated=generated,
        )

    def spliced_report(self, done: Spliced) -> StreamReport:
        """Return the report on pictures that were spliced."""
        report = self.pictures_report(Action.SMART, len(done.order), done.plan.region)
        copied = sum(isinstance(what, int) for what in done.order)
        again = 0 if done.exact_pads else report.frames_reencoded
        return replace(
            report,
            packets_copied=copied,
            frames_exact=report.frames_exact + report.frames_reencoded - again,
            frames_reencoded=again,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done to each stream; see `render.Rendered`."""

    video: StreamReport
    audio: StreamReport
    touched: tuple[int, int] | None = None
    audio_touched: tuple[int, int] | None = None
    exact_pads: bool = False
    lost: tuple[str, ...] = ()
    recoded: tuple[int, ...] = ()


def sound_report(
    job: RenderJob,
    action: Action,
    packets: int,
    replaced: int = 0,
    generated: int = 0,
    again: int = 0,
) -> StreamReport:
    """Return the report on a track of the source whose packets are mostly its own.

    Args:
        job: The render.
        action: What was done.
        packets: Packets of the track.
        replaced: How many of them are new.
        generated: Samples of the section.
        again: Samples around it that were encoded anew.
    """
    audio = job.audio
    total = 0 if audio is None else round(audio.duration * audio.sample_rate)
    return StreamReport(
        action=action,
        codec=None if audio is None else audio.codec,
        packets=packets,
        packets_copied=packets - replaced,
        frames_exact=max(total - generated - again, 0),
        frames_reencoded=again,
        frames_generated=generated,
    )


def spliced_sound_report(job: RenderJob, done: SplicedSound) -> StreamReport:
    """Return the report on a track that was spliced."""
    count = len(done.packets)
    return sound_report(job, Action.SMART, count, len(done.data), done.generated, done.again)
