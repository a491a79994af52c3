"""Generate: an engine makes the section; here it is joined to the source and kept on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retake.core.errors import EngineFailed
from retake.core.report import ColourMatch
from retake.core.source import AudioStream, VideoStream
from retake.core.timing import FrameRange, sample_at
from retake.core.watch import Watch
from retake.engines.engine import Engine, Frame, MadeHandles, Shot, Sound
from retake.media.decode import SourceFrames
from retake.media.feather import blend, feather_frames
from retake.media.join import join_sound
from retake.media.matching import block_means, match_side, matched
from retake.media.sound import read_sound
from retake.media.take import TakeFiles, TakeWriter, write_sound
from retake.steps.plan import Planned, with_handles

NEW_TRACK_RATE = 48000


@dataclass(frozen=True, slots=True)
class Generated:
    """A take on disk, what the engine wants the user to know, and how its colours were matched."""

    files: TakeFiles
    notes: tuple[str, ...]
    match: ColourMatch | None = None


def generate(engine: Engine, planned: Planned, watch: Watch) -> Generated:
    """Make the section and write it into the planned work folder.

    The picture is kept without loss in the source's pixel format, the sound as float32; the seams
    are already blended in both.

    Raises:
        EngineFailed: The engine could not make the section, or made something else than asked.
        Cancelled: The watch was cancelled.
    """
    shot = _shot(planned, watch, engine.describe().handle_s)
    mode = planned.request.mode
    take = engine.make(shot)
    video = sound = match = None
    if mode.replaces_video:
        if take.frames is None:
            raise EngineFailed("no_frames_made", "The engine made no frames for the section.")
        video = planned.work / "take.mkv"
        match = measured(take.handles, shot)
        frames = take.frames if match is None else matched(take.frames, len(shot.section), match)
        _write_frames(video, planned, joined(frames, shot), watch)
    if mode.replaces_audio:
        if take.sound is None:
            raise EngineFailed("no_sound_made", "The engine made no sound for the section.")
        sound = planned.work / "take.wav"
        write_sound(sound, _join(shot, take.sound), shot.rate)
    return Generated(TakeFiles(video, sound), (*take.notes, *_match_note(match)), match)


def _shot(planned: Planned, watch: Watch, handle: Fraction) -> Shot:
    source, section, request = planned.source, planned.section, planned.request
    audio = source.audio[0] if source.audio else None
    rate = audio.sample_rate if audio else NEW_TRACK_RATE
    first = sample_at(section.start, rate)
    shown = with_handles(source.video, section.start, section.end, handle)
    opens = sample_at(source.video.time_of(shown.start), rate)
    closes = sample_at(source.video.time_of(shown.end), rate)
    return Shot(
        frames=SourceFrames(planned.path, source, shown),
        section=FrameRange(section.frames.start - shown.start, section.frames.end - shown.start),
        times=[
            source.video.time_of(frame) - section.start for frame in range(shown.start, shown.end)
        ],
        duration=section.duration,
        frame_rate=source.video.frame_rate,
        colour=source.video.colour,
        sound=_read(planned.path, audio, opens, closes) if audio else None,
        sound_start=first - opens,
        sound_samples=sample_at(section.end, rate) - first,
        mode=request.mode,
        prompt=request.prompt,
        seed=planned.seed,
        watch=watch,
        options=request.options,
        # Named after the section and the seed: each take of each section has its own.
        scratch=planned.work / f"shot-{section.frames.start}-{planned.seed}",
        pixel_aspect=_upright_aspect(source.video),
        layout=audio.layout if audio else "",
    )


def _upright_aspect(video: VideoStream) -> Fraction:
    stored = video.sample_aspect_ratio
    return 1 / stored if video.rotation % 180 else stored


def _read(path: Path, audio: AudioStream, first: int, last: int) -> Sound:
    rate = audio.sample_rate
    samples = read_sound(path, audio, Fraction(first, rate), Fraction(last, rate))
    return Sound(samples, rate)


def _write_frames(path: Path, planned: Planned, frames: Iterator[Frame], watch: Watch) -> None:
    written, expected = 0, len(planned.section.frames)
    with TakeWriter(path, planned.source.video) as writer:
        for frame in frames:
            watch.check()
            writer.write(frame)
            written += 1
        if written != expected:
            raise EngineFailed(
                "wrong_frame_count",
                f"The engine made {written} frames for a section of {expected}.",
            )


def measured(handles: MadeHandles | None, shot: Shot) -> ColourMatch | None:
    """Return how an engine's handles differ from the source's; None where it made none."""
    if handles is None:
        return None
    first, last = shot.section.start, shot.section.end
    before = [block_means(frame) for frame in handles.before][-first or len(shot.frames) :]
    after = [block_means(frame) for frame in handles.after][: len(shot.frames) - last]
    return ColourMatch(
        match_side(_means(shot, FrameRange(first - len(before), first)), before),
        match_side(_means(shot, FrameRange(last, last + len(after))), after),
    )


def _means(shot: Shot, frames: FrameRange) -> list[NDArray[np.float64]]:
    return [block_means(frame) for frame in shot.frames.read(frames)] if len(frames) else []


def _match_note(match: ColourMatch | None) -> tuple[str, ...]:
    if match is None:
        return ()
    sides = {"start": match.before, "end": match.after}
    said = [
        f"off by {side.off_by:.1f} of 255 at its {name}, {side.left:.1f} then"
        for name, side in sides.items()
        if side is not None and side.changes
    ]
    return (
        (f"The section's colours were matched to the source: {'; '.join(said)}.",) if said else ()
    )


def joined(made: Iterator[Frame], shot: Shot) -> Iterator[Frame]:
    """Yield the made frames, the outermost ones blended into the source's own.

    The blend lies inside the section and follows a smoothstep, so that the first and last made
    frames almost equal the source's, whatever the engine did.
    """
    count = len(shot.section)
    reach = feather_frames(count, shot.frame_rate)
    opening = shot.frames.read(FrameRange(shot.section.start, shot.section.start + reach))
    closing = shot.frames.read(FrameRange(shot.section.end - reach, shot.section.end))
    for number, frame in enumerate(made):
        from_edge = min(number, count - 1 - number)
        if from_edge >= reach:
            yield frame
            continue
        own = next(opening if number < reach else closing)
        x = (from_edge + 0.5) / reach
        yield blend(own, frame, x * x * (3 - 2 * x))


def _join(shot: Shot, made: Sound) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    if made.rate != shot.rate or made.samples.shape != (shot.channels, shot.sound_samples):
        raise EngineFailed(
            "wrong_sound_shape",
            f"The engine made sound of shape {made.samples.shape} at {made.rate} Hz for a section "
            f"of {(shot.channels, shot.sound_samples)} at {shot.rate} Hz.",
        )
    if shot.sound is None:
        # Silence all around: the new sound fades in and out, and keeps below full scale.
        return join_sound(np.zeros_like(made.samples), 0, made.samples, shot.rate)
    return join_sound(shot.sound.samples, shot.sound_start, made.samples, shot.rate)
