"""What a render works on, and what it did to each stream."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av

from retake.core.conversion import Conversion
from retake.core.errors import RenderFailed
from retake.core.report import Action, StreamReport
from retake.core.source import AudioStream, Source
from retake.core.watch import Watch
from retake.media.audio.several import NewSound, splice_sounds
from retake.media.audio.spliced import SplicedSound
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task
from retake.media.placed import Placed, Sounds

FORCED = "a full re-encode was asked for"


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One render: the source, the takes and their places.

    Attributes:
        src: The source file.
        source: What is in it.
        takes: What replaces which sections, ascending, none in another; at least one.
        watch: Progress and cancelling.
        force_full: Encode the streams concerned anew as a whole even where they can be spliced.
        conversion: The codecs that are asked for, where others than the source's.
    """

    src: Path
    source: Source
    takes: tuple[Placed, ...]
    watch: Watch
    force_full: bool = False
    conversion: Conversion = field(default_factory=Conversion)

    @property
    def shown(self) -> tuple[Placed, ...]:
        """The takes that replace pictures."""
        return tuple(placed for placed in self.takes if placed.new_pictures)

    @property
    def heard(self) -> tuple[Placed, ...]:
        """The takes that replace sound."""
        return tuple(placed for placed in self.takes if placed.new_sound)

    @property
    def new_pictures(self) -> bool:
        """Whether any section's pictures are replaced."""
        return bool(self.shown)

    @property
    def new_sound(self) -> bool:
        """Whether any section's sound is replaced."""
        return bool(self.heard)

    @property
    def audio(self) -> AudioStream | None:
        """The stream of sound that is edited; None where the source has none."""
        return self.source.audio[0] if self.source.audio else None

    @property
    def video_start(self) -> Fraction:
        """When the first frame is shown, in seconds of the container's clock."""
        return self.source.video.pts[0] * self.source.video.time_base

    def tasks(self, spool: BinaryIO) -> list[Task]:
        """Return the pictures to exchange, one task for each section.

        Args:
            spool: Where new samples go.
        """

        def task(placed: Placed) -> Task:
            def take() -> Iterator[av.VideoFrame]:
                return placed.pictures(self.src, self.source)

            frames = placed.section.frames
            return Task(self.src, self.source.video, frames, take, spool, self.watch)

        return [task(placed) for placed in self.shown]

    def pictures(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the number and the picture of every new frame, ascending.

        Raises:
            RenderFailed: `take_missing`: a take has no pictures, or too few.
        """
        for placed in self.shown:
            taken = placed.pictures(self.src, self.source)
            for number in range(placed.section.frames.start, placed.section.frames.end):
                picture = next(taken, None)
                if picture is None:
                    reason = "the take has fewer pictures than the section"
                    raise RenderFailed("take_missing", reason)
                yield number, picture

    def sounds(self) -> tuple[Sounds, int]:
        """Return the new sounds and their rate: for a track, exactly the sections' samples.

        Raises:
            RenderFailed: `take_missing` or `take_mismatch`.
        """
        read = [(placed.section.start, *placed.sound(self.audio)) for placed in self.heard]
        return [(start, samples) for start, samples, _ in read], read[0][2]

    def spliced_sound(self, audio: AudioStream) -> SplicedSound:
        """Return the edited track with the new sounds in it.

        Raises:
            Unspliceable: It cannot be spliced; the text says why.
        """
        sounds, _ = self.sounds()
        new = [NewSound(start, samples) for start, samples in sounds]
        return splice_sounds(self.src, audio, new)

    @property
    def heard_seconds(self) -> Fraction:
        """How long the new sounds are in all."""
        return sum((placed.section.duration for placed in self.heard), Fraction(0))

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
        generated = sum(len(placed.section.frames) for placed in self.shown) if region else 0
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
    parts: tuple[tuple[int, int], ...] = ()
    audio_parts: tuple[tuple[int, int], ...] = ()
    lost: tuple[str, ...] = ()
    recoded: tuple[int, ...] = ()


def spliced_outcome(
    video: StreamReport,
    audio: StreamReport,
    pictures: Spliced | None,
    sound: SplicedSound | None,
) -> Outcome:
    """Return what was done to each stream.

    Args:
        video: What is told of the pictures.
        audio: What is told of the sound.
        pictures: The pictures, where they were spliced.
        sound: The sound, where it was.
    """
    return Outcome(
        video,
        audio,
        touched=pictures.touched if pictures else None,
        audio_touched=sound.touched if sound else None,
        exact_pads=pictures is not None and pictures.exact_pads,
        parts=pictures.parts if pictures else (),
        audio_parts=sound.parts if sound else (),
    )


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
    return sound_report(job, Action.SMART, count, done.new_packets, done.generated, done.again)
