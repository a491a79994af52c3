"""Comparing the decoded sound of two files outside the part that was replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retake.core.report import Check
from retake.core.section import Section
from retake.core.source import Source
from retake.core.timing import seconds_text
from retake.media.proof.compare_pictures import Films
from retake.media.proof.hearing import alike_bands, best_lag
from retake.media.sound import read_sound, sample_at

EXACT_DB = -50.0
"""Loudest difference, in dB under full scale, between sounds of the same packets."""

NOISE_DB = 1.5
"""Most by which the loudness of noise differs that a decoder makes up, differently every time."""

MADE_UP = frozenset({"aac", "opus"})
"""Codecs whose decoders do so, or remember for a while what came before the packets."""

EXACT_CODECS = ("flac", "alac", "pcm_", "truehd", "wavpack")
"""Codecs without loss, by the fronts of FFmpeg's names: outside, every sample is the source's."""

LIKENESS = 0.9
"""Least correlation of sound that was encoded again with its source."""

EDGE_DB, EDGE_LIKENESS = -45.0, 0.5
"""Loudest difference, or least correlation, of the packets encoded again next to the section."""

SILENT_DB = -60.0
"""Sound below this says nothing about likeness, and counts as silence in a new track."""

SETTLING_S = {"opus": Fraction(4, 25)}
"""Seconds behind new packets until a decoder's memory of them has faded: what it makes of the
source's own packets meanwhile differs a little (RFC 7845, 4.6 asks for 80 ms; measured: 150)."""

_LEAST_EDGE = 256

Samples = NDArray[np.float32]

Window = tuple[Fraction, Fraction]
"""Seconds, half-open."""


def check_sound(
    films: Films, windows: Sequence[Window], sections: Sequence[Section], *, spliced: bool
) -> Iterator[Check]:
    """Yield whether the sound outside is the source's, at the same moments.

    Args:
        films: The two files, with the tracks to compare in front.
        windows: The seconds in which packets may differ.
        sections: What was replaced, ascending; none where only the form changes.
        spliced: Whether packets outside are the source's own; otherwise likeness is enough.
    """
    ours, theirs = films.made.audio[0], films.source.audio[0]
    same_rate = ours.sample_rate == theirs.sample_rate
    # Some codecs know but a few rates; a track that is encoded as one of them may have to change.
    form = ours.channels == theirs.channels and (same_rate or ours.codec != theirs.codec)
    yield Check(
        "sound form", form, f"{ours.sample_rate} Hz, {ours.channels} channels ({ours.layout})"
    )
    drift = (ours.start + ours.duration) - (theirs.start + theirs.duration)
    packet = Fraction(max(ours.frame_size, theirs.frame_size, 1024) * 2, theirs.sample_rate)
    # Sound that ended before the section did goes on to the section's end now.
    ends = max((section.end for section in sections), default=Fraction(0))
    grown = max(ends - (theirs.start + theirs.duration), Fraction(0))
    yield Check(
        "sound length",
        -packet <= drift <= grown + packet,
        f"ends {float(drift) * 1000:+.1f} ms from the source",
    )
    if not form:
        return
    before, after = _tracks(films)
    # Encoders spread what begins within a packet over all of it.
    spread = Fraction(0) if spliced else packet / 2
    settling = SETTLING_S.get(theirs.codec, spread)
    windows = [(start - spread, end + settling) for start, end in windows]
    outside = _outside(films.source, windows, before.shape[1])
    if spliced and theirs.codec.startswith(EXACT_CODECS):
        yield _check_exact(films.source, sections, before, after)
    elif spliced:
        yield _check_same("sound outside", theirs.codec, before[:, outside], after[:, outside])
        yield from _check_edges(films.source, windows, sections, before, after)
    else:
        yield from _check_like(before[:, outside], after[:, outside])


def _check_exact(
    source: Source, sections: Sequence[Section], before: Samples, after: Samples
) -> Check:
    inside = [(section.start, section.end) for section in sections]
    outside = _outside(source, inside, before.shape[1])
    wrong = int(np.sum(np.any(before[:, outside] != after[:, outside], axis=0)))
    count = int(np.sum(outside))
    return Check(
        "sound outside", not wrong, f"{count - wrong} of {count} samples are the source's own"
    )


def _check_same(name: str, codec: str, a: Samples, b: Samples) -> Check:
    """Return whether two decoders made the same of the same packets."""
    worst, wrong = -200.0, 0
    for at in _steps(a):
        before, after = a[:, at : at + 4096], b[:, at : at + 4096]
        level = _level_db(before - after)
        worst = max(worst, level)
        wrong += level > EXACT_DB and not (codec in MADE_UP and _as_loud(before, after))
    return Check(name, not wrong, f"differs by at most {worst:.0f} dBFS")


def _as_loud(a: Samples, b: Samples) -> bool:
    return abs(_level_db(a) - _level_db(b)) <= NOISE_DB and alike_bands(a, b)


def _check_edges(
    source: Source,
    windows: Sequence[Window],
    sections: Sequence[Section],
    before: Samples,
    after: Samples,
) -> Iterator[Check]:
    """Yield whether the sound that was encoded again next to a section still sounds alike."""
    for where, (start, end) in _edges(windows, sections):
        inside = ~_outside(source, [(start, end)], before.shape[1]) if start < end else None
        if inside is None or np.count_nonzero(inside) < _LEAST_EDGE:
            continue
        a, b = before[:, inside], after[:, inside]
        level, likeness = _level_db(a - b), _correlation(a, b)
        yield Check(
            f"sound {where}",
            level <= EDGE_DB or likeness >= EDGE_LIKENESS or alike_bands(a, b),
            f"{a.shape[1]} samples encoded again differ by {level:.0f} dBFS",
        )


def _edges(windows: Sequence[Window], sections: Sequence[Section]) -> Iterator[tuple[str, Window]]:
    """Yield what of each window lies in no section, and where that is."""
    for opens, closes in windows:
        inside = [each for each in sections if each.start < closes and opens < each.end]
        at = opens
        for section in inside:
            name = "the section" if len(sections) == 1 else _named(section)
            yield f"before {name}", (at, section.start)
            at = section.end
        if inside:
            name = "the section" if len(sections) == 1 else _named(inside[-1])
            yield f"behind {name}", (at, closes)


def _named(section: Section) -> str:
    return f"the section at {seconds_text(section.start)} s"


def _check_like(a: Samples, b: Samples) -> Iterator[Check]:
    if _level_db(a) <= SILENT_DB:
        return
    likeness = _correlation(a, b)
    good, told = True, f"correlates by {likeness:.3f}"
    if likeness < LIKENESS:
        # Codecs describe noise instead of storing it: it is as loud, but another noise.
        steps = [slice(at, at + 4096) for at in _steps(a)]
        alike = sum(alike_bands(a[:, step], b[:, step]) for step in steps)
        told += f", {alike} of {len(steps)} stretches are as loud in every part of the spectrum"
        late = best_lag(a, b, a.shape[1] // 4)
        good = not late and alike >= LIKENESS * len(steps)
        told += f"; {late} samples late" if late else ""
    yield Check("sound outside", good, told)


def _correlation(a: Samples, b: Samples) -> float:
    scale = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(np.sum(a * b, dtype=np.float64)) / max(scale, 1e-12)


def check_same_sound(films: Films) -> Check:
    """Return whether the decoded sound of two files is the same.

    For streams copied into another kind of container, where packets are wrapped in another way.
    """
    ours, theirs = films.made.audio[0], films.source.audio[0]
    if (ours.sample_rate, ours.channels) != (theirs.sample_rate, theirs.channels):
        return Check("sound", passed=False, detail="rate or channels differ")
    return _check_same("sound", theirs.codec, *_tracks(films))


def check_new_track(out: Path, made: Source, sections: Sequence[Section]) -> Check:
    """Return whether a track made for a silent film is there and silent outside the sections."""
    if not made.audio:
        return Check("new sound track", passed=False, detail="it is missing")
    audio, end = made.audio[0], made.video.duration
    samples = read_sound(out, audio, min(audio.start, Fraction(0)), end)
    near = Fraction(1, 20)
    windows = [(section.start - near, section.end + near) for section in sections]
    level = _level_db(samples[:, _outside(made, windows, samples.shape[1])])
    long = audio.start + audio.duration
    return Check(
        "new sound track",
        level <= SILENT_DB and abs(long - end) <= Fraction(1, 5),
        f"{float(long):.2f} s of {float(end):.2f} s, {level:.0f} dBFS outside the section",
    )


def _tracks(films: Films) -> tuple[Samples, Samples]:
    """Return the source's and the output's samples, on the source's grid."""
    theirs, ours = films.source.audio[0], films.made.audio[0]
    start = min(theirs.start, Fraction(0))
    end = theirs.start + theirs.duration
    before = read_sound(films.src, theirs, start, end)
    films.watch.check()
    after = read_sound(films.out, ours, start, end)
    films.watch.check()
    if ours.sample_rate != theirs.sample_rate:
        from scipy.signal import resample_poly

        moved: Any = resample_poly(after, theirs.sample_rate, ours.sample_rate, axis=1)
        after = np.zeros_like(before)
        count = min(after.shape[1], moved.shape[1])
        after[:, :count] = moved[:, :count]
    return before, after


def _outside(source: Source, windows: Sequence[Window], count: int) -> NDArray[np.bool_]:
    audio = source.audio[0]
    origin = sample_at(audio, min(audio.start, Fraction(0)))
    outside = np.ones(count, np.bool_)
    for window in windows:
        first, last = (sample_at(audio, time) - origin for time in window)
        outside[max(first, 0) : max(last, 0)] = False
    return outside


def _steps(samples: Samples) -> range:
    return range(0, max(samples.shape[1], 1), 4096)


def _level_db(samples: Samples) -> float:
    """Return the effective value in dB under full scale; -200 for nothing at all."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if samples.size else 0.0
    return max(10 * float(np.log10(power)), -200.0) if power else -200.0
