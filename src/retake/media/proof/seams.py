"""Measuring how the new section meets the source at its two ends, on the finished file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from retake.core.report import Seams
from retake.core.request import Mode
from retake.core.scoring import scored
from retake.core.section import Section
from retake.core.source import Source
from retake.core.watch import Watch
from retake.media.decode import Beat, decode_frames
from retake.media.loudness import BLOCK_S, SILENCE_LUFS, loudness
from retake.media.probe import probe_output
from retake.media.proof.planes import frame_psnr
from retake.media.proof.steps import Steps, steps_at
from retake.media.sound import read_sound


def measure_seams(
    src: Path,
    out: Path,
    source: Source,
    section: Section,
    mode: Mode,
    watch: Watch | None = None,
) -> Seams:
    """Return how the section of `out` meets `src` at its ends.

    Where the section begins with the film, or ends with it, there is no seam and nothing is told;
    nor is anything of a stream that the mode keeps or that the source does not have.

    Raises:
        BadSource: One of the files cannot be decoded there.
        Cancelled: The watch was cancelled.
    """
    made = probe_output(out, source)
    beat = (watch or Watch()).check
    opens, closes = section.frames.start > 0, section.frames.end < len(source.video.pts)

    def picture(frame: int) -> float:
        return frame_psnr(_frame(src, source, frame, beat), _frame(out, made, frame, beat))

    def step(seam: Fraction, inward: int) -> float | None:
        beat()
        return _loudness_step(out, made, seam, inward)

    sees, hears = mode.replaces_video, mode.replaces_audio and bool(source.audio)
    at_in = steps_at(out, made, section, 1, beat) if sees and opens else Steps()
    at_out = steps_at(out, made, section, -1, beat) if sees and closes else Steps()
    seams = Seams(
        psnr_in_db=picture(section.frames.start) if sees and opens else None,
        psnr_out_db=picture(section.frames.end - 1) if sees and closes else None,
        loudness_step_in_lu=step(section.start, 1) if hears and opens else None,
        loudness_step_out_lu=step(section.end, -1) if hears and closes else None,
        colour_step_in_de=at_in.colour_de,
        colour_step_out_de=at_out.colour_de,
        motion_step_in_pct=at_in.motion_pct,
        motion_step_out_pct=at_out.motion_pct,
        sharpness_step_in_db=at_in.sharpness_db,
        sharpness_step_out_db=at_out.sharpness_db,
    )
    return scored(seams)


def _frame(path: Path, source: Source, number: int, beat: Beat) -> av.VideoFrame:
    return next(iter(decode_frames(path, source, number, number + 1, beat=beat)))


def _loudness_step(out: Path, made: Source, seam: Fraction, inward: int) -> float | None:
    """Return loudness inside minus outside, over one block each; None where either is silent."""
    if not made.audio:
        return None
    audio, span = made.audio[0], inward * Fraction(BLOCK_S).limit_denominator()
    inside = read_sound(out, audio, *sorted((seam, seam + span)))
    outside = read_sound(out, audio, *sorted((seam, seam - span)))
    levels = [loudness(samples, audio.sample_rate) for samples in (inside, outside)]
    if min(levels) < SILENCE_LUFS:
        return None
    return levels[0] - levels[1]
