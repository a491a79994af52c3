"""Parts of a finished file as files of their own: its section, its sound.

A section's packets are taken as they are where they stand alone, which is proven by decoding them:
each picture must be the very one that the finished file shows. Elsewhere they are encoded.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any

import av
import av.error

from retake.core.containers import CONTAINERS
from retake.core.errors import BadSource, RenderFailed, StorageFailed
from retake.core.section import Section
from retake.core.source import Source, VideoStream
from retake.core.watch import Watch
from retake.media.decode import decode_frames, decode_stream
from retake.media.muxing import flows, sound, streams
from retake.media.muxing.contents import EncodedPictures
from retake.media.muxing.form import form_of
from retake.media.opening import open_source, pixel_allowance
from retake.media.packets import index_packets, packets_of
from retake.media.pictures.fineness import fineness
from retake.media.pictures.recipe import Recipe
from retake.media.pictures.recipes.anew import anew
from retake.media.proof.planes import same_samples
from retake.media.reencode import audio_codec_for
from retake.media.saving import saved_whole
from retake.media.sound import read_sound, sample_depth
from retake.media.unspliceable import Unspliceable

_CUT = frozenset({"mp4", "mov", "mkv", "webm"})
"""Kinds of files whose packets stand alone."""


def section_clip(out: Path, made: Source, section: Section, stem: Path, watch: Watch) -> Path:
    """Write the section of a finished file, pictures and sound, as a file that plays alone.

    Args:
        out: The finished file.
        made: What is in it, its edited track of sound first.
        section: Which part of it.
        stem: Where the new file goes, without its ending.
        watch: Asked for a wish to cancel.

    Returns:
        The new file; in the finished one's own container where its packets could be taken, else an
        MP4 of H.264.

    Raises:
        RenderFailed: It cannot be encoded.
        StorageFailed: It cannot be written.
        Cancelled: The watch was cancelled.
    """
    if made.file_type in _CUT:
        target = stem.with_name(f"{stem.name}{CONTAINERS[made.file_type].ending}")
        try:
            with saved_whole(target) as part:
                _write(_Excerpt(out, made, section, watch), part, made.file_type, None)
                _check_same(out, made, section, part, watch)
        except (Unspliceable, BadSource, ValueError, av.error.FFmpegError):
            pass
        except StorageFailed as error:
            # Some of a muxer's refusals look like the system's.
            if error.code == "disk_full":
                raise
        else:
            return target
    target = stem.with_name(f"{stem.name}.mp4")
    recipe = anew(made.video, "h264", crf=fineness(out, made.video), reorder=2, tag=None)
    try:
        with saved_whole(target) as part:
            _write(_Excerpt(out, made, section, watch, anew=True), part, "mp4", recipe)
    except (ValueError, av.error.FFmpegError) as error:
        raise RenderFailed("not_muxed", f"the section alone cannot be written: {error}") from error
    return target


class _Excerpt:
    """The section as streams of packets that begin at 0."""

    def __init__(
        self, out: Path, made: Source, section: Section, watch: Watch, *, anew: bool = False
    ) -> None:
        video, frames = made.video, section.frames
        ends = (*video.pts, video.end_pts)
        self.out, self.made, self.section = out, made, section
        self.video: VideoStream = replace(
            video, pts=video.pts[frames.start : frames.end], end_pts=ends[frames.end]
        )
        self.origin: Fraction = self.video.pts[0] * video.time_base
        self.watch, self.anew = watch, anew
        self.quiet = Watch(lambda _stage, _done, _total: watch.check())

    def cut(self, stream: Any) -> Iterator[flows.Timed]:
        """Yield the section's packets of pictures as they are.

        Raises:
            Unspliceable: They do not begin with a keyframe that is shown first.
        """
        wanted, shift = frozenset(self.video.pts), self.video.pts[0]
        index = index_packets(self.out, self.video.index)
        chosen = [packet.pts in wanted and not packet.hidden for packet in index]
        first = index[chosen.index(True)] if any(chosen) else None
        if first is None or not first.key or first.pts != shift or sum(chosen) != len(wanted):
            raise Unspliceable("the section does not begin with a keyframe")
        with open_source(self.out) as container:
            packets = packets_of(container, self.video.index)
            for packet, info, taken in zip(packets, index, chosen, strict=True):
                self.watch.check()
                if not taken:
                    continue
                packet.pts, packet.dts = info.pts - shift, info.dts - shift
                packet.time_base, packet.stream = self.video.time_base, stream
                yield packet.dts * self.video.time_base, packet

    def encoded(self, stream: Any, recipe: Recipe) -> Iterator[flows.Timed]:
        """Yield its pictures, encoded."""
        frames = self.section.frames
        pictures = (
            frame if frame.format.name == recipe.pix_fmt else frame.reformat(format=recipe.pix_fmt)
            for frame in decode_frames(self.out, self.made, frames.start, frames.end)
        )
        new = EncodedPictures(recipe, pictures)
        yield from flows.encoded(stream, self.video, new, self.origin, self.quiet)

    def heard(self, target: Any, file_type: str) -> Iterator[flows.Timed]:
        """Yield its sound, encoded."""
        audio, section = self.made.audio[0], self.section
        samples = read_sound(self.out, audio, section.start, section.end)
        wanted = "aac" if self.anew else audio.codec
        codec = audio_codec_for(file_type, wanted, audio.channels)
        depth = sample_depth(self.out, audio)
        track = sound.add_track(
            target, codec, audio.channels, audio.sample_rate, audio.layout, audio.bit_rate, depth
        )
        return sound.encoded(track, samples, audio.sample_rate, Fraction(0), self.quiet)


def _write(excerpt: _Excerpt, part: Path, file_type: str, recipe: Recipe | None) -> None:
    form = form_of(file_type, replace(excerpt.made, video=excerpt.video, fragmented=False))
    with (
        open_source(excerpt.out) as container,
        av.open(part, "w", format=form.muxer, container_options=dict(form.options)) as target,
    ):
        old = container.streams[excerpt.video.index]
        if recipe is None:
            stream = streams.add_copy(target, old, form, excerpt.made.file_type)
            pictures = excerpt.cut(stream)
        else:
            stream = streams.add_pictures(target, old, recipe, excerpt.video)
            pictures = excerpt.encoded(stream, recipe)
        told = [pictures]
        if excerpt.made.audio:
            told.append(excerpt.heard(target, file_type))
        target.start_encoding()
        for _, packet in heapq.merge(*told, key=lambda item: item[0]):
            target.mux_one(packet)


def _check_same(out: Path, made: Source, section: Section, part: Path, watch: Watch) -> None:
    """Return where a file shows the very pictures that the section of the finished one does.

    Raises:
        Unspliceable: It does not.
        BadSource: It cannot be decoded.
    """
    video, frames = made.video, section.frames
    new = decode_stream(
        part,
        0,
        max_pixels=pixel_allowance(video.width, video.height),
        strict=True,
        beat=watch.check,
    )
    old = decode_frames(out, made, frames.start, frames.end, beat=watch.check)
    for one, other in zip_longest(new, old):
        if one is None or other is None or not same_samples(one, other):
            raise Unspliceable("the section's packets need others around them")
