"""An upstream server whose engine a thread plays: every picture of the video comes back negative.

Also those outside the section, and with other sound there: what an upstream server does to the
rest must not matter.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.api.live import Live, live
from tests.client.engine import Played, played


def negative(
    source: Path,
    dest: Path,
    *,
    sound: bool = True,
    size: tuple[int, int] | None = None,
    pale: bool = False,
) -> None:
    """Write the negative of a video, a steady tone of 1 kHz as its sound.

    Where `pale`, the pictures stay what they are, every one of them 8 of 255 lighter.
    """
    with av.open(str(source)) as old, av.open(str(dest), "w", format="mp4") as new:
        video = old.streams.video[0]
        width, height = size or (video.width, video.height)
        options = {"preset": "ultrafast", "crf": "10", "x264-params": "log-level=error"}
        out = new.add_stream("libx264", rate=video.average_rate, options=options)
        out.width, out.height, out.pix_fmt = width, height, "yuv420p"
        out.codec_context.time_base = Fraction(1, 90000)
        track = new.add_stream("aac", rate=48000) if sound else None
        if track is not None:
            track.codec_context.layout = "stereo"
        frames = 0
        for frame in old.decode(video):
            rgb = frame.to_ndarray(format="rgb24")
            rgb = np.minimum(rgb, 247) + np.uint8(8) if pale else 255 - rgb
            made = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(width, height, "yuv420p")
            made.pts, made.time_base = round(frame.time * 90000), Fraction(1, 90000)
            new.mux(out.encode(made))
            frames += 1
        new.mux(out.encode(None))
        if track is not None:
            _tone(new, track, frames / video.average_rate)


def _tone(new: Any, track: Any, seconds: Fraction) -> None:
    for first in range(0, round(seconds * 48000), 1024):
        t = (first + np.arange(1024)) / 48000
        wave = np.repeat((0.3 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32), 2)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, first, Fraction(1, 48000)
        new.mux(track.encode(frame))
    new.mux(track.encode(None))


class UpstreamServer:
    """The server; `delay_s` is how long each request takes, `fail` an error that each ends with."""

    def __init__(self, server: Live, engine: Played, folder: Path) -> None:
        self.server = server
        self.engine = engine
        self.delay_s = 0.0
        self.fail: dict[str, Any] | None = None
        self.sound = True
        self.size: tuple[int, int] | None = None
        self.pale = False
        self._made = folder / "made.mp4"
        engine.work = self._work

    @property
    def records(self) -> list[dict[str, Any]]:
        """All requests that were submitted, oldest first."""
        listed = self.server.client.get("/api/v1/ie/requestqueue/apikey/requests").json()
        return listed["requests"][::-1]

    def _work(self, request_id: str) -> None:
        server = self.server
        # The next test may set another delay while this one still runs.
        delay_s = self.delay_s
        until = time.monotonic() + delay_s
        while (left_s := until - time.monotonic()) > 0:
            share = int(100 * (1 - left_s / delay_s))
            server.do(server.requests.dispatch.progressed(request_id, "generate", share, 100))
            if self._stopped(request_id):
                return
            time.sleep(0.02)
        if self.fail is not None:
            server.end(request_id, {"status": "failed", "error": self.fail})
            return
        record = server.call(lambda: server.requests.dispatch.for_engine(request_id))
        source = server.storage.path(record["source_ref"].partition(":")[2])
        negative(source, self._made, sound=self.sound, size=self.size, pale=self.pale)
        name = f"outputs/{request_id}/video.mp4"
        server.storage.put(name, self._made)
        outcome = {"files": {"video": name}, "report": {}, "notes": ["painted negative"]}
        server.end(request_id, {"status": "success", "outcome": outcome})

    def _stopped(self, request_id: str) -> bool:
        path = f"/api/v1/ie/requestqueue/apikey/requests/{request_id}"
        return self.server.client.get(path).json()["status"] == "cancelled"


@contextmanager
def upstream_server(folder: Path, **settings: Any) -> Iterator[UpstreamServer]:
    folder.mkdir()
    with live(folder, **settings) as server, played(server) as engine:
        yield UpstreamServer(server, engine, folder)


def journals(folder: Path) -> list[dict[str, Any]]:
    """Return what the journals below a folder know."""
    return [json.loads(path.read_text()) for path in folder.rglob("upstream.json")]
