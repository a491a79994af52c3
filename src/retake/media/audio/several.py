"""New sound for several sections of one track: each is spliced by itself, from the source's own.

Sections so close that the new packets of one would meet those of the next are spliced as one, with
the source's sound between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio import alac, flac
from retake.media.audio.splice import splice_sound
from retake.media.audio.spliced import SplicedSound
from retake.media.audio.timeline import packet_bytes
from retake.media.sound import read_sound, sample_at
from retake.media.unspliceable import Unspliceable

LEAST_BETWEEN = 4
"""Packets of the source between new ones that codecs which lose something have to find: what is
made anew was fitted to the source's packets on either side."""

_MERGED: Mapping[str, Callable[[bytes, bytes], bytes]] = {
    "flac": flac.merged_config,
    "alac": alac.merged_config,
}


@dataclass(frozen=True, slots=True)
class NewSound:
    """Sound that replaces a track's own.

    Attributes:
        start: When it begins, in seconds from the first frame's appearance.
        samples: float32 ``[channels, n]`` at the track's own rate, already joined.
        own: How many of the samples are the source's, between sections.
    """

    start: Fraction
    samples: NDArray[np.float32]
    own: int = 0


def splice_sounds(path: Path, audio: AudioStream, sounds: Sequence[NewSound]) -> SplicedSound:
    """Splice the new sounds of one track.

    Args:
        path: The source.
        audio: The track.
        sounds: Ascending, none in another; at least one.

    Raises:
        Unspliceable: This track cannot be spliced; the text says why.
        BadSource: The sound around a section cannot be decoded.
    """
    done: list[tuple[NewSound, SplicedSound]] = []
    for each in sounds:
        sound, one = each, _spliced(path, audio, each)
        while done and _meet(done[-1][1], one):
            sound = _as_one(path, audio, done.pop()[0], sound)
            one = _spliced(path, audio, sound)
        done.append((sound, one))
    parts = [one for _, one in done]
    return parts[0] if len(parts) == 1 else _composed(path, audio, parts)


def _spliced(path: Path, audio: AudioStream, sound: NewSound) -> SplicedSound:
    one = splice_sound(path, audio, sound.start, sound.samples)
    again = one.again + (0 if one.exact else sound.own)
    return replace(one, generated=max(one.generated - sound.own, 0), again=again)


def _meet(before: SplicedSound, after: SplicedSound) -> bool:
    between = after.first - before.touched[1]
    return between < (0 if before.exact else LEAST_BETWEEN)


def _as_one(path: Path, audio: AudioStream, before: NewSound, after: NewSound) -> NewSound:
    """Return two sounds and the source's own between them as one."""
    end = sample_at(audio, before.start) + before.samples.shape[1]
    gap = sample_at(audio, after.start) - end
    rate = audio.sample_rate
    first = audio.start + Fraction(end, rate)
    held = read_sound(path, audio, first, first + Fraction(max(gap, 0), rate))
    samples = np.concatenate([before.samples, held, after.samples], axis=1)
    return NewSound(before.start, samples, before.own + after.own + held.shape[1])


def _composed(path: Path, audio: AudioStream, parts: Sequence[SplicedSound]) -> SplicedSound:
    first, last = parts[0].first, parts[-1].touched[1]
    data = packet_bytes(path, audio.index, first, last)
    for part in parts:
        data |= part.replaced()
    return SplicedSound(
        parts[0].packets,
        first,
        tuple(data[number] for number in range(first, last)),
        sum(part.generated for part in parts),
        sum(part.again for part in parts),
        _config(audio.codec, [part.config for part in parts if part.config is not None]),
        exact=all(part.exact for part in parts),
        parts=tuple(part.touched for part in parts),
    )


def _config(codec: str, configs: Sequence[bytes]) -> bytes | None:
    """Return the decoder configuration that fits all parts."""
    if not configs:
        return None
    config = configs[0]
    for other in configs[1:]:
        if other != config and codec not in _MERGED:
            raise Unspliceable("its new packets would need different decoder configurations")
        config = config if other == config else _MERGED[codec](config, other)
    return config
