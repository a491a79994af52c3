"""Splicing sound: new packets between a track's own. No container is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio import aac, ac3, alac, flac, opus, pcm
from retake.media.audio.lossy import PacketCoder, splice_lossy
from retake.media.audio.spliced import SplicedSound
from retake.media.audio.timeline import read_timeline
from retake.media.unspliceable import Unspliceable

_LOSSLESS = {"flac": flac.splice_flac, "alac": alac.splice_alac}

_LOSSY: Mapping[str, Callable[[Path, AudioStream], PacketCoder]] = {
    "aac": aac.aac_coder,
    "ac3": ac3.ac3_coder,
    "eac3": ac3.ac3_coder,
    "opus": opus.opus_coder,
}

_WHY = {
    "mp3": "MP3 packets lean on those before them (its bit reservoir)",
    "vorbis": "Vorbis packets need the code books of the encoder that made the track",
}
"""Reasons that people may want to know, by codec."""


def splice_sound(
    path: Path, audio: AudioStream, start: Fraction, samples: NDArray[np.float32]
) -> SplicedSound:
    """Encode the section's sound and what overlaps with it; keep every other packet.

    Args:
        path: The source.
        audio: The track.
        start: When the new sound begins, in seconds from the first frame's appearance.
        samples: The new sound, float32 ``[channels, n]`` at the track's own rate, already joined.

    Raises:
        Unspliceable: This track cannot be spliced; the text says why.
        BadSource: The sound around the section cannot be decoded.
    """
    if audio.codec.startswith("pcm_"):
        return pcm.splice_pcm(path, audio, start, samples)
    if audio.codec in _LOSSLESS:
        return _LOSSLESS[audio.codec](path, audio, start, samples)
    if audio.codec in _LOSSY:
        coder = _LOSSY[audio.codec](path, audio)
        line = read_timeline(path, audio, coder.length)
        return splice_lossy(path, audio, line, line.place(audio, start, samples), coder)
    raise Unspliceable(_WHY.get(audio.codec, f"{audio.codec} sound cannot be spliced"))
