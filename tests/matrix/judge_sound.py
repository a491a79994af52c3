"""The sound of a render: kept packets, exact samples, the tone where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.report import Action
from tests.matrix.judge_form import told
from tests.matrix.sources import Promise
from tests.media.compare import Packet, packets

if TYPE_CHECKING:
    from tests.matrix.judge import Judged

LEAST_SNR_DB = 15
TONE_HZ = 900

# By how many packets a section may reach further. A packet of AAC is heard for two frames; one
# more on either side is allowed, and behind the section another one, where the shapes of the
# windows have to fit. A packet of Opus and of AC-3 is heard a little into the next one. Others
# stand alone.
_SPREAD = {"aac": (3, 2), "opus": (2, 1), "ac3": (2, 1), "eac3": (2, 1)}
_ALONE = (1, 0)

# What has no way of telling that an encoder's first samples are not to be heard.
_TELLS_ALL = frozenset({".ts", ".mpg", ".avi", ".flv"})


@dataclass(frozen=True)
class Heard:
    """Decoded sound as a player hears it.

    Attributes:
        samples: ``[channels, n]``, full scale 1.
        rate: Samples a second.
        start: When the first sample sounds, in seconds from the first picture.
        index: The stream.
    """

    samples: NDArray[Any]
    rate: int
    start: float
    index: int

    def at(self, seconds: float) -> int:
        """Return the sample that sounds then, at least the first."""
        return max(round((seconds - self.start) * self.rate), 0)


def hear(path: Path, track: int = 0) -> Heard | None:
    """Decode a track of sound; None when there is none."""
    with av.open(path) as container:
        if not container.streams.audio:
            return None
        shown = [
            packet.pts * packet.time_base
            for packet in container.demux(video=0)
            if packet.size and packet.pts is not None and not packet.is_discard
        ]
    with av.open(path) as container:
        stream = container.streams.audio[track]
        frames = list(container.decode(stream))
        samples = _joined(frames)
        start = float(frames[0].pts * frames[0].time_base - min(shown))
        return Heard(samples, frames[0].sample_rate, start, stream.index)


def _joined(frames: list[Any]) -> NDArray[Any]:
    """Return the samples of all frames, with silence in gaps that no rounding explains."""
    rate, parts, count = frames[0].sample_rate, list[NDArray[Any]](), 0
    for frame in frames:
        gap = round((frame.pts - frames[0].pts) * frame.time_base * rate) - count
        if gap > rate / 20:
            parts.append(np.zeros((frame.layout.nb_channels, gap)))
            count += gap
        parts.append(_samples(frame))
        count += frame.samples
    return np.concatenate(parts, axis=1)


def _samples(frame: Any) -> NDArray[Any]:
    # PyAV counts one plane too many when there are eight: never ask for more than there are.
    channels = frame.layout.nb_channels
    kind = {"s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64, "u8": np.uint8}
    dtype = np.dtype(kind[frame.format.packed.name])
    if frame.format.is_planar:
        planes = [np.frombuffer(p, dtype)[: frame.samples] for p in frame.planes[:channels]]
        data = np.stack(planes)
    else:
        flat = np.frombuffer(frame.planes[0], dtype)[: frame.samples * channels]
        data = flat.reshape(-1, channels).T
    scale = 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max) + 1
    return data / scale


def sound(done: Judged) -> Iterator[str]:
    """Yield what is wrong with the sound that is edited."""
    edit, report = done.edit, done.edit.rendered.audio
    before, after = hear(edit.src), hear(edit.out)
    if before is None:
        yield from _created(done, after)
        return
    if after is None:
        yield "sound: it is lost"
        return
    ours, theirs = packets(edit.src, before.index), packets(edit.out, after.index)
    if not done.mode.replaces_audio:
        if [p.digest for p in ours] != [p.digest for p in theirs]:
            yield "sound: packets differ though only the pictures were replaced"
        if report.action is not Action.COPIED:
            yield f"sound: {report.action} though only the pictures were replaced"
        return
    yield from told("sound", report, done.row.audio)
    if report.action is Action.SMART:
        yield from _packets(done, ours, theirs)
    yield from _outside(done, before, after)
    yield from _inside(done, after)


def _created(done: Judged, after: Heard | None) -> Iterator[str]:
    if not done.mode.replaces_audio:
        if after is not None:
            yield "sound: there is some though nobody asked for it"
        return
    if after is None:
        yield "sound: none was created"
        return
    yield from _inside(done, after)
    low, high = _section(done, after)
    around = np.concatenate(
        [after.samples[:, : low - 4096 if low > 4096 else 0], after.samples[:, high + 4096 :]],
        axis=1,
    )
    if around.size and float(np.abs(around).max()) > 0.01:
        yield "sound: the created track is not silent outside the section"


def _section(done: Judged, heard: Heard) -> tuple[int, int]:
    return heard.at(float(done.edit.section.start)), heard.at(float(done.edit.section.end))


def _packets(done: Judged, before: list[Packet], after: list[Packet]) -> Iterator[str]:
    """Every packet but those that sound in the section, and one on either side, is kept."""
    if len(before) != len(after):
        yield f"sound: {len(after)} packets instead of {len(before)}"
        return
    if [(p.pts, p.dts) for p in before] != [(p.pts, p.dts) for p in after]:
        yield "sound: the packets' times differ"
    edit = done.edit
    audio, video = edit.source.audio[0], edit.source.video
    origin = video.pts[0] * video.time_base
    frame = max(packet.duration for packet in before) * audio.time_base
    ahead, behind = _SPREAD.get(audio.codec, _ALONE)
    changed = [
        at
        for at, (a, b) in enumerate(zip(before, after, strict=True))
        if a.digest != b.digest
        # Matroska rounds each time to a unit of its own.
        and not edit.section.start - ahead * frame - audio.time_base
        < before[at].pts * audio.time_base - origin
        < edit.section.end + behind * frame + audio.time_base
    ]
    if changed:
        yield f"sound: packets {changed[:8]} changed outside the section"
    low, high = edit.rendered.audio_touched or (0, 0)
    stray = [
        at
        for at, (a, b) in enumerate(zip(before, after, strict=True))
        if a.digest != b.digest and not low <= at < high
    ]
    if stray:
        yield f"sound: packets {stray[:8]} changed outside the touched {low}..{high}"


def _outside(done: Judged, before: Heard, after: Heard) -> Iterator[str]:
    spills = done.edit.out.suffix in _TELLS_ALL
    lengths = before.samples.shape[1], after.samples.shape[1]
    spliced = done.edit.rendered.audio.action is Action.SMART
    # Encoders fill their last packet up; what cannot hide their first one is longer by that, too.
    slack = 0 if spliced else 1152 * (1 + spills)
    if not 0 <= lengths[1] - lengths[0] <= slack:
        yield f"sound: {lengths[1]} samples instead of {lengths[0]}"
    # Where a container cannot hide an encoder's first samples, sound may start a little earlier.
    early = 0.05 if spills and not spliced else 0.0
    if not -0.0015 <= before.start - after.start <= early + 0.0015:
        yield f"sound: it starts at {after.start:.4f} s instead of {before.start:.4f} s"
    if before.samples.shape[0] != after.samples.shape[0]:
        yield f"sound: {after.samples.shape[0]} channels instead of {before.samples.shape[0]}"
        return
    # Lossy codecs carry a seam on into their next frames.
    margin = 0 if done.row.audio is Promise.EXACT else round(0.1 * before.rate)
    low, high = _section(done, before)
    count = min(lengths)
    shift = round((after.start - before.start) * before.rate)
    for name, a, b in (("before", 0, low - margin), ("after", high + margin, count - margin)):
        b = min(b, count - max(shift, 0))  # noqa: PLW2901 - both spans end inside the sound
        if b <= a:
            continue
        ours = before.samples[:, a:b]
        theirs = after.samples[:, max(a - shift, 0) : max(a - shift, 0) + b - a]
        width = min(ours.shape[1], theirs.shape[1])
        ours, theirs = ours[:, :width], theirs[:, :width]
        if done.row.audio is Promise.EXACT:
            wrong = int((ours != theirs).any(axis=0).sum())
            if wrong:
                yield f"sound: {wrong} samples {name} the section are not the source's"
        elif not done.row.noisy and (snr := _snr(ours, theirs)) < LEAST_SNR_DB:
            yield f"sound: only {snr:.1f} dB from the source {name} the section"


def _snr(wanted: NDArray[Any], got: NDArray[Any]) -> float:
    error = float(((wanted - got) ** 2).mean())
    return 10 * np.log10(max(float((wanted**2).mean()), 1e-12) / max(error, 1e-12))


def _inside(done: Judged, after: Heard) -> Iterator[str]:
    low, high = _section(done, after)
    quarter = (high - low) // 4
    heard = after.samples[0, low + quarter : high - quarter]
    if len(heard) < 0.1 * after.rate:
        return
    turn = np.exp(-2j * np.pi * TONE_HZ * (np.arange(len(heard)) + quarter) / after.rate)
    found = 2j * complex((heard * turn).mean())
    if not 0.1 < abs(found) < 0.3:
        yield f"sound: the new tone is at {abs(found):.3f} inside the section, not at 0.2"
    # Milliseconds, in which Matroska counts, are longer than a turn of the tone.
    elif done.edit.out.suffix in {".mp4", ".mov"}:
        late = float(-np.angle(found)) / (2 * np.pi * TONE_HZ) * after.rate
        if abs(late) > (0.6 if done.row.audio is Promise.EXACT else 3):
            yield f"sound: the new tone is {late:.1f} samples late"
