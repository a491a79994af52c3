"""Clips and takes for tests of sound: material that shows its place, edits of sound alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.report import Check
from retake.core.request import Limits, Mode
from retake.core.source import AudioStream, Source
from retake.core.watch import Watch
from retake.media.probe import probe
from retake.media.proof.verify import verify
from retake.media.render import Rendered, render
from retake.media.sound import read_sound, sample_at
from retake.media.take import TakeFiles, write_sound
from tests.clips import make_clip
from tests.media.takes import section_of

Samples = NDArray[np.float32]
SECONDS = 2
FIRST, LAST = 15, 29
CODEC = {".webm": "libvpx-vp9"}
# Noise that decoders make up (PNS) is another one whenever something before it changes.
_OPTIONS = {"aac": {"aac_pns": "0"}, "vorbis": {"strict": "experimental"}}


@dataclass(frozen=True)
class SoundEdit:
    """One render of new sound, and what it was made from."""

    src: Path
    out: Path
    source: Source
    rendered: Rendered
    take: Samples
    start: int
    checks: tuple[Check, ...]

    @property
    def audio(self) -> AudioStream:
        """The source's track."""
        return self.source.audio[0]

    @property
    def end(self) -> int:
        """One past the section's last sample."""
        return self.start + self.take.shape[1]

    def heard(self) -> tuple[Samples, Samples]:
        """Return the sound of source and output from the first sounding sample on."""
        audio, end = self.audio, self.audio.start + self.audio.duration
        made = probe(self.out, Limits()).audio[0]
        before = read_sound(self.src, audio, audio.start, end)
        return before, read_sound(self.out, made, audio.start, end)


def chirps(channels: int, rate: int, seconds: float = SECONDS) -> Samples:
    """Return float32 ``[channels, n]``: a tone in each channel that rises, different everywhere."""
    t = np.arange(round(seconds * rate)) / rate
    return np.stack(
        [
            0.3 * np.sin(2 * np.pi * (200 + 90 * channel + 300 * t) * t)
            for channel in range(channels)
        ]
    ).astype(np.float32)


def clip_with(
    path: Path,
    audio: str,
    channels: int = 2,
    rate: int = 48000,
    form: str | None = None,
    options: dict[str, str] | None = None,
    sound: Samples | None = None,
) -> Path:
    """Write a tiny clip whose sound is `chirps`.

    Args:
        path: Its ending picks the container.
        audio: FFmpeg's encoder.
        channels: How many.
        rate: Samples a second.
        form: The encoder's sample format.
        options: The encoder's options.
        sound: Other sound than `chirps`.
    """

    def prepare(_: Any, track: Any) -> None:
        if form is not None:
            track.codec_context.format = form
        track.codec_context.options = options or _OPTIONS.get(audio, {})

    return make_clip(
        path,
        codec=CODEC.get(path.suffix, "libx264"),
        seconds=SECONDS,
        size=(64, 48),
        audio=audio,
        channels=channels,
        rate=rate,
        sound=chirps(channels, rate) if sound is None else sound,
        prepare=prepare,
    )


def edit_sound(
    src: Path,
    folder: Path,
    first: int = FIRST,
    last: int = LAST,
    *,
    track: int | None = None,
    name: str | None = None,
) -> SoundEdit:
    """Put sound into the frames [first, last): a tone of 900 Hz that fades in and out."""
    source = probe(src, Limits())
    if track is not None:
        source = source.with_track_first(source.audio[track].index)
    section = section_of(source, first, last)
    audio = source.audio[0] if source.audio else None
    rate, channels = (audio.sample_rate, audio.channels) if audio else (48000, 2)
    start = sample_at(audio, section.start) if audio else round(section.start * rate)
    end = sample_at(audio, section.end) if audio else round(section.end * rate)
    take = faded_tone(channels, rate, end - start)
    sound = folder / "take.wav"
    write_sound(sound, take, rate)
    out = folder / (name or f"out{src.suffix}")
    files = TakeFiles(None, sound)
    rendered = render(src, out, source, section, Mode.AUDIO, files, Watch())
    checks = verify(src, out, source, section, Mode.AUDIO, rendered)
    return SoundEdit(src, out, source, rendered, take, start, checks)


def faded_tone(channels: int, rate: int, count: int) -> Samples:
    """Return a tone that meets silence at both ends."""
    t = np.arange(count) / rate
    reach = min(rate // 50, count // 2)
    fade = np.ones(count)
    fade[:reach] = np.sin(np.linspace(0, np.pi / 2, reach)) ** 2
    fade[count - reach :] = fade[:reach][::-1]
    return np.repeat((0.2 * fade * np.sin(2 * np.pi * 900 * t))[None], channels, 0).astype(
        np.float32
    )


def level_db(samples: NDArray[Any]) -> float:
    """Return the effective value in dB under full scale."""
    power = float(np.mean(np.asarray(samples, np.float64) ** 2)) if samples.size else 0.0
    return 10 * np.log10(max(power, 1e-20))


def lag(sound: Samples, wanted: Samples) -> int:
    """Return by how many samples `wanted` comes late in `sound`, which is as long; at most 40."""
    inner = slice(200, wanted.shape[1] - 200)
    like = {
        late: float(np.sum(sound[:, inner.start + late : inner.stop + late] * wanted[:, inner]))
        for late in range(-40, 41)
    }
    return max(like, key=lambda late: like[late])


def failed(edit: SoundEdit) -> list[Check]:
    """Return the checks that the output did not pass."""
    return [check for check in edit.checks if not check.passed]


def decoded_strictly(path: Path) -> int:
    """Decode all sound with every check that FFmpeg has; return the samples of one channel."""
    with av.open(path) as container:
        stream: Any = container.streams.audio[0]
        stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
        return sum(frame.samples for frame in container.decode(stream))
