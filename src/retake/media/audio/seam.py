"""Choosing between encodings by how well their packets meet a track's own, once decoded.

Some decoders foretell a packet from the one before it, so that the first packets of the source
behind the new ones sound a little different for a while. How much differs with chance, between
encodings that are equally good; so several are made, and the one that joins best is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.timeline import extradata
from retake.media.sound import raw_decoder, to_float

_GOOD = 10.0**-6
"""Mean square of the difference around the section, at -60 dBFS, that nobody asks to be less."""


class Seam:
    """Takes offers of new packets and keeps the one that differs least around the section.

    Args:
        path: The source.
        audio: The track.
        old: Its own packets around the section, by their numbers, without gaps.
        section: The section's samples, half-open, which are meant to differ; counted from the
            first sample of packet `begin`.
        begin: A packet's number; it need not be one of the track's.
        frame: Samples a packet.
    """

    def __init__(
        self,
        path: Path,
        audio: AudioStream,
        old: Mapping[int, bytes],
        section: tuple[int, int],
        begin: int,
        frame: int,
    ) -> None:
        self._codec = audio.codec
        self._config = extradata(path, audio.index)
        self._old = old
        lead = (min(old) - begin) * frame
        self._section = section[0] - lead, section[1] - lead
        self._own: NDArray[np.float32] | None = None
        self._error = np.inf
        self.best: tuple[int, Sequence[bytes]] | None = None
        """Number of the first packet replaced and the new ones; None before the first offer."""

    @property
    def good(self) -> bool:
        """Whether no better offer is needed."""
        return self._error <= _GOOD

    def offer(self, first: int, data: Sequence[bytes]) -> None:
        """Take new packets for the packets from `first` on, if they are the best so far."""
        spliced = {**self._old, **dict(enumerate(data, first))}
        error = self._misfit([spliced[number] for number in sorted(spliced)])
        if self.best is None or error < self._error:
            self.best, self._error = (first, data), error

    def _misfit(self, packets: Iterable[bytes]) -> float:
        try:
            if self._own is None:
                self._own = self._decoded(self._old.values())
            new = self._decoded(packets)
        except av.error.FFmpegError:
            return np.inf
        count = min(self._own.shape[1], new.shape[1])
        away = (self._own[:, :count] - new[:, :count]).astype(np.float64) ** 2
        away[:, max(self._section[0], 0) : max(self._section[1], 0)] = 0
        return float(away.mean())

    def _decoded(self, packets: Iterable[bytes]) -> NDArray[np.float32]:
        coder: Any = av.CodecContext.create(self._codec, "r")
        coder.extradata = self._config
        raw_decoder(coder, self._codec)
        blocks = [to_float(frame) for data in packets for frame in coder.decode(av.Packet(data))]
        return np.concatenate(blocks, axis=1)
