"""Comparing the decoded sound of two files outside the part that was replaced."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retake.core.report import Check
from retake.core.section import Section
from retake.core.source import Source
from retake.media.sound import read_sound, sample_at

EXACT_DB = -50.0
"""Loudest difference, in dB under full scale, between sounds of the same packets: decoders of AAC
make up the noise in them (PNS), differently in every run."""

LIKENESS = 0.9
"""Least correlation of sound that was encoded again with its source."""

SILENT_DB = -60.0
"""Sound below this says nothing about likeness, and counts as silence in a new track."""

Samples = NDArray[np.float32]


def check_sound(
    src: Path,
    source: Source,
    out: Path,
    made: Source,
    window: tuple[Fraction, Fraction],
    section: Section,
    *,
    exact: bool,
) -> Iterator[Check]:
    """Yield whether the sound outside is the source's, at the same moments.

    Args:
        src: The source file.
        source: What is in it.
        out: The finished file.
        made: What is in that.
        window: The seconds in which the sound may differ.
        section: What was replaced.
        exact: Whether the packets outside are the source's own; otherwise likeness is enough.
    """
    ours, theirs = made.audio[0], source.audio[0]
    form = (ours.sample_rate, ours.channels) == (theirs.sample_rate, theirs.channels)
    yield Check(
        "sound form", form, f"{ours.sample_rate} Hz, {ours.channels} channels ({ours.layout})"
    )
    drift = (ours.start + ours.duration) - (theirs.start + theirs.duration)
    packet = Fraction(max(ours.frame_size, theirs.frame_size, 1024) * 2, theirs.sample_rate)
    # Sound that ended before the section did goes on to the section's end now.
    grown = max(section.end - (theirs.start + theirs.duration), Fraction(0))
    yield Check(
        "sound length",
        -packet <= drift <= grown + packet,
        f"ends {float(drift) * 1000:+.1f} ms from the source",
    )
    if not form:
        return
    before, after = _tracks(src, source, out, made)
    outside = _outside(source, window, before.shape[1])
    a, b = before[:, outside], after[:, outside]
    if exact:
        worst = max(_level_db(a[:, at : at + 4096] - b[:, at : at + 4096]) for at in _steps(a))
        yield Check("sound outside", worst <= EXACT_DB, f"differs by at most {worst:.0f} dBFS")
    elif _level_db(a) > SILENT_DB:
        likeness = float(np.sum(a * b, dtype=np.float64)) / max(
            float(np.linalg.norm(a)) * float(np.linalg.norm(b)), 1e-12
        )
        yield Check("sound outside", likeness >= LIKENESS, f"correlates by {likeness:.3f}")


def check_same_sound(src: Path, source: Source, out: Path, made: Source) -> Check:
    """Return whether the decoded sound of two files is the same.

    For streams copied into another kind of container, where packets are wrapped in another way.
    """
    before, after = _tracks(src, source, out, made)
    if before.shape != after.shape:
        return Check("sound", passed=False, detail="rate or channels differ")
    level = _level_db(before - after)
    return Check("sound", level <= EXACT_DB, f"differs by {level:.0f} dBFS")


def check_new_track(out: Path, made: Source, section: Section) -> Check:
    """Return whether a track made for a silent film is there and silent outside the section."""
    if not made.audio:
        return Check("new sound track", passed=False, detail="it is missing")
    audio, end = made.audio[0], made.video.duration
    samples = read_sound(out, audio, min(audio.start, Fraction(0)), end)
    window = section.start - Fraction(1, 20), section.end + Fraction(1, 20)
    level = _level_db(samples[:, _outside(made, window, samples.shape[1])])
    long = audio.start + audio.duration
    return Check(
        "new sound track",
        level <= SILENT_DB and abs(long - end) <= Fraction(1, 5),
        f"{float(long):.2f} s of {float(end):.2f} s, {level:.0f} dBFS outside the section",
    )


def _tracks(src: Path, source: Source, out: Path, made: Source) -> tuple[Samples, Samples]:
    start = min(source.audio[0].start, Fraction(0))
    end = source.audio[0].start + source.audio[0].duration
    return (
        read_sound(src, source.audio[0], start, end),
        read_sound(out, made.audio[0], start, end),
    )


def _outside(source: Source, window: tuple[Fraction, Fraction], count: int) -> NDArray[np.bool_]:
    audio = source.audio[0]
    origin = sample_at(audio, min(audio.start, Fraction(0)))
    first, last = (sample_at(audio, time) - origin for time in window)
    outside = np.ones(count, np.bool_)
    outside[max(first, 0) : max(last, 0)] = False
    return outside


def _steps(samples: Samples) -> range:
    return range(0, max(samples.shape[1], 1), 4096)


def _level_db(samples: Samples) -> float:
    """Return the effective value in dB under full scale; -200 for nothing at all."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if samples.size else 0.0
    return max(10 * float(np.log10(power)), -200.0) if power else -200.0
