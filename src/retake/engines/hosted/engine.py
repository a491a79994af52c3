"""The engine `hosted`: the section is handed on to another server of this API.

Only what the section needs leaves this server: its frames and a second on either side, with their
sound. What comes back is taken for the section alone; joining, rendering and verifying stay here,
so that everything outside keeps its bits whatever the other server does to the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from retake.client import AsyncClient, Request
from retake.core.errors import BadRequest, BadSource, EngineFailed
from retake.core.timing import FrameRange
from retake.core.watch import Stage
from retake.engines.engine import EngineInfo, Estimate, Frame, MadeHandles, Shot, Take
from retake.engines.hosted.clips import Clips, Received, Sent
from retake.engines.hosted.conversation import FETCHED, Conversation, host_of
from retake.engines.hosted.info import info_for
from retake.engines.hosted.journal import Entry, Journal
from retake.engines.hosted.sound import received_sound, sent_sound
from retake.engines.hosted.upstream import Upstream
from retake.engines.hosted.window import Window, window_for

_GUESS_S = 60.0
_SHORT = Fraction(1, 2)
_HANDLES = 6
_MOST_NOTES, _LONGEST_NOTE = 20, 500


class HostedEngine:
    """Hands shots on to one model of one upstream server.

    Args:
        base_url: The upstream server, as its API's URL.
        model: The model that is asked for there.
        open_client: Makes a client with the key that pays.
        clips: Writes and reads the clips.
        max_bytes: Longest answer that is taken.
        via: This server's own mark; None where there is no server.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        open_client: Callable[[], AsyncClient],
        clips: Clips,
        max_bytes: int,
        via: str | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._via = via
        self._base_url = base_url
        self._model = model
        self._open_client = open_client
        self._clips = clips

    def describe(self) -> EngineInfo:
        """Return what this engine is, without asking anybody."""
        return info_for(host_of(self._base_url), self._model)

    def warm(self) -> None:
        """Nothing is loaded here."""

    def check(self, prompt: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Return no warnings: what the upstream model makes of a prompt is not known here.

        Raises:
            BadRequest: There are options (``unknown_option``).
        """
        del prompt
        if options:
            name = str(next(iter(options)))[:40]
            raise BadRequest(
                "unknown_option",
                f"options holds {name!r}; the engine hosted accepts no options",
                param="options",
            )
        return ()

    def estimate(self, shot: Shot) -> Estimate:
        """Return a guess: how busy the upstream server is cannot be known."""
        frame_bytes = shot.frames.width * shot.frames.height * 3
        return Estimate(_GUESS_S, 100_000_000 + 16 * frame_bytes)

    def make(self, shot: Shot) -> Take:
        """Return the take that the upstream server made of `shot`.

        Raises:
            EngineFailed: It could not; `code` is the upstream server's own.
            Cancelled: `shot.watch` was cancelled; the upstream server has been told.
        """
        if shot.scratch is None:
            raise EngineFailed("no_scratch", "the engine hosted needs a folder to work in")
        shot.watch.progress(Stage.GENERATE, 0, 100)
        journal = Journal(shot.scratch)
        entry = journal.entry(self._base_url, self._model)
        talk = Conversation(
            self._open_client, self._base_url, self._model, shot.watch, self._max_bytes, self._via
        )
        if entry.payload is None:
            upstream = talk.look()
            window = _window(shot, upstream)
            payload = self._prepare(shot, window, upstream, journal)
            # What the clip holds is settled now, whatever the upstream server accepts later.
            entry = talk.submit(journal, replace(entry, opens=str(window.opens)), payload)
        elif entry.request_id is None:
            entry = talk.submit(journal, entry, None)
        request = talk.follow(journal, entry)
        return self._take(shot, journal.answer, entry, request)

    def _prepare(
        self, shot: Shot, window: Window, upstream: Upstream, journal: Journal
    ) -> dict[str, Any]:
        """Write the clip; return what is asked for in it."""
        times = [time - window.opens for time in shot.times[window.frames.start :]]
        times = times[: len(window.frames)]
        ends = window.opens + times[-1] + 1 / shot.frame_rate
        sent = Sent(
            frames=_watched(shot, window.frames),
            times=times,
            frame_rate=shot.frame_rate,
            width=shot.frames.width,
            height=shot.frames.height,
            colour=shot.colour,
            sound=sent_sound(shot, window, ends),
        )
        self._clips.write(journal.clip, sent)
        payload: dict[str, Any] = {
            "start_time": float(window.start),
            "duration": float(window.duration),
            "mode": str(shot.mode),
        }
        if shot.prompt:
            payload["prompt"] = shot.prompt
        if "seed" in upstream.parameters:
            payload["seed"] = shot.seed
        return payload

    def _take(self, shot: Shot, answer: Path, entry: Entry, request: Request) -> Take:
        opens = Fraction(entry.opens)
        try:
            clip = self._clips.open(answer)
        except BadSource as error:
            raise EngineFailed(
                "upstream_bad_video",
                f"what {host_of(self._base_url)} made cannot be used: {error.message}",
            ) from error
        wanted_end = shot.duration - opens
        if shot.mode.replaces_video and clip.duration < wanted_end - _SHORT:
            raise EngineFailed(
                "upstream_short",
                f"what {host_of(self._base_url)} made lasts {float(clip.duration):.3f} s; the "
                f"section ends at {float(wanted_end):.3f} s",
            )
        frames = self._frames(shot, opens, clip) if shot.mode.replaces_video else None
        sound = None
        if shot.mode.replaces_audio:
            made = clip.sound(-opens, wanted_end)
            sound = None if made is None else received_sound(made, shot)
        handles = self._handles(shot, opens, clip) if shot.mode.replaces_video else None
        return Take(frames, sound, _notes(shot, clip, self._base_url, entry, request), handles)

    def _handles(self, shot: Shot, opens: Fraction, clip: Received) -> MadeHandles:
        """Return the answer's version of the frames beside the section, where it has them.

        Many servers send every frame through their model: how its colours are off shows there.
        """
        first, last = shot.section.start, shot.section.end
        before = [time - opens for time in shot.times[max(first - _HANDLES, 0) : first]]
        after = [time - opens for time in shot.times[last : last + _HANDLES]]
        before = [time for time in before if time >= 0]
        after = [time for time in after if time + 1 / shot.frame_rate <= clip.duration]
        deep = next(iter(shot.frames.read(FrameRange(0, 1)))).dtype == np.uint16
        size = shot.frames.width, shot.frames.height
        return MadeHandles(
            clip.frames_at(before, *size, deep=deep) if before else (),
            clip.frames_at(after, *size, deep=deep) if after else (),
        )

    def _frames(self, shot: Shot, opens: Fraction, clip: Received) -> Iterator[Frame]:
        section = shot.section
        times = [time - opens for time in shot.times[section.start : section.end]]
        first = next(iter(shot.frames.read(FrameRange(0, 1))))
        width, height = shot.frames.width, shot.frames.height
        made = clip.frames_at(times, width, height, deep=first.dtype == np.uint16)
        for done, frame in enumerate(made):
            share = (100 - FETCHED) * done / len(times)
            shot.watch.progress(Stage.GENERATE, math.floor(FETCHED + share), 100)
            yield frame


def _window(shot: Shot, upstream: Upstream) -> Window:
    return window_for(
        shot.times, shot.section, shot.duration, 1 / shot.frame_rate, upstream.accepted
    )


def _watched(shot: Shot, frames: FrameRange) -> Iterator[Frame]:
    for frame in shot.frames.read(frames):
        shot.watch.check()
        yield frame


def _notes(
    shot: Shot, clip: Received, base_url: str, entry: Entry, request: Request
) -> tuple[str, ...]:
    host = host_of(base_url)
    by = f" (engine {request.engine})" if request.engine else ""
    said = [f"Made by {entry.model} at {host}{by}, its request {request.id}."]
    size = (shot.frames.width, shot.frames.height)
    if shot.mode.replaces_video and clip.size != size:
        width, height = clip.size
        said.append(f"It answered {width}x{height}; the section was scaled to {size[0]}x{size[1]}.")
    if shot.mode.replaces_video and clip.colour.transfer not in {shot.colour.transfer, 2}:
        said.append("It answered with another transfer of colours; the section may look different.")
    if shot.channels > 2 and shot.mode.replaces_audio:
        said.append("The section's sound was made in stereo; the other channels are silent there.")
    theirs = [note[:_LONGEST_NOTE] for note in (*request.warnings, *request.notes)]
    return (*said, *theirs[:_MOST_NOTES])
