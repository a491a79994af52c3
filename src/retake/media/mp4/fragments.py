"""A fragmented MP4 or MOV patched: new samples in old slots, every other box as it was.

Format: ISO/IEC 14496-12, 8.8 (moof), 8.16.3 (sidx), 8.8.10 (tfra). The file keeps its fragments,
their times and their order; what moves is where samples lie and how long they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from retake.media.mp4.boxes import Box, Place, boxes_in, parse, top_boxes
from retake.media.mp4.edits import Edit, Overwrite, Piece
from retake.media.mp4.runs import KEY, NOT_KEY, Sample, Traf, read_traf
from retake.media.mp4.tables import Track
from retake.media.unspliceable import Unspliceable

_MAX_TABLE_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Fragment:
    """One moof box: where it lies, its boxes, and those of them that are tracks' parts."""

    place: Place
    boxes: tuple[tuple[bytes, bytes], ...]
    trafs: dict[int, Traf]


@dataclass(frozen=True, slots=True)
class Fragments:
    """A fragmented file.

    Attributes:
        places: Its top-level boxes.
        moov: Its moov box.
        parts: Its fragments, in order.
        tracks: Its tracks; their tables are gathered from the fragments.
        samples: Every sample of each track, by its id, in order.
    """

    places: list[Place]
    moov: Box
    parts: list[Fragment]
    tracks: list[Track]
    samples: dict[int, list[Sample]]


def read_fragments(path: Path) -> Fragments:
    """Return the tables of a fragmented file.

    Raises:
        Unspliceable: It is damaged, or uses what is not handled.
    """
    with path.open("rb") as file:
        places = top_boxes(file, path.stat().st_size)

        def payload(place: Place) -> bytes:
            if place.size > _MAX_TABLE_BYTES:
                raise Unspliceable("the file's tables are too large")
            file.seek(place.start + place.header)
            return file.read(place.size - place.header)

        moovs = [place for place in places if place.kind == b"moov"]
        if len(moovs) != 1:
            raise Unspliceable("the file is laid out in an unusual way")
        moov = parse(b"moov", payload(moovs[0]))
        trex = _defaults(moov)
        counts = dict.fromkeys(trex, 0)
        parts = [_part(p, payload(p), trex, counts) for p in places if p.kind == b"moof"]
    samples: dict[int, list[Sample]] = {track: [] for track in trex}
    decoded: dict[int, list[int]] = {track: [] for track in trex}
    for part in parts:
        for traf in part.trafs.values():
            _gather(traf, samples[traf.track], decoded[traf.track])
    tracks = [Track(child) for child in moov.children or [] if child.kind == b"trak"]
    for track in tracks:
        if track.count:
            raise Unspliceable("only part of the file is fragmented")
        _fill(track, samples.get(track.id, []), decoded.get(track.id, []))
    return Fragments(places, moov, parts, tracks, samples)


@dataclass(frozen=True, slots=True)
class Changed:
    """A sample in the place of another, and where its bytes come from."""

    sample: Sample
    source: Piece


def changes(track: Track, old: list[Sample], edit: Edit, file: BinaryIO) -> Mapping[int, Changed]:
    """Return what an edit makes of a track's samples, by number: those alone that change.

    Args:
        track: The track.
        old: Its samples.
        edit: What happens to them.
        file: The source.
    """
    if isinstance(edit, Overwrite):
        return dict(_overwritten(old, edit))
    new: dict[int, Changed] = {}
    for number, what in enumerate(edit.samples):
        if what == number:
            continue
        sample, composition = old[number], old[number].composition
        if edit.composition is not None:
            composition = int(edit.composition[number] - track.decode_times[number])
        flags = sample.flags
        if edit.sync is not None:
            flags = KEY if edit.sync[number] else NOT_KEY
        source = what
        if not isinstance(source, Piece):
            source = Piece(file, old[source].start, old[source].size)
        changed = replace(sample, size=source.size, composition=composition, flags=flags)
        new[number] = Changed(changed, source)
    return new


def _overwritten(old: list[Sample], edit: Overwrite) -> Iterator[tuple[int, Changed]]:
    at, number, end = edit.data.start, edit.first, edit.data.start + edit.data.size
    while at < end:
        sample = old[number]
        yield number, Changed(sample, Piece(edit.data.file, at, sample.size))
        at += sample.size
        number += 1


def _defaults(moov: Box) -> dict[int, Sample]:
    """Return what samples are where neither their run nor its head says so, by track id."""
    found: dict[int, Sample] = {}
    mvex = moov.find(b"mvex")
    for kind, data in boxes_in(b"" if mvex is None else mvex.payload):
        if kind != b"trex":
            continue
        track, _, duration, size, flags = np.frombuffer(data, ">u4", 5, 4).tolist()
        found[track] = Sample(0, size, duration, flags)
    return found


def _part(
    place: Place, payload: bytes, trex: dict[int, Sample], counts: dict[int, int]
) -> Fragment:
    boxes = tuple(boxes_in(payload))
    trafs: dict[int, Traf] = {}
    follows = None
    for at, (kind, data) in enumerate(boxes):
        if kind == b"traf":
            traf = read_traf(data, place.start, follows, trex)
            trafs[at] = replace(traf, first=counts[traf.track])
            counts[traf.track] += traf.count
            follows = traf.end or follows
    return Fragment(place, boxes, trafs)


def _gather(traf: Traf, samples: list[Sample], decoded: list[int]) -> None:
    follows = decoded[-1] + samples[-1].duration if samples else 0
    time = follows if traf.decoded is None else traf.decoded
    for run in traf.runs.values():
        for sample in run.samples:
            samples.append(sample)
            decoded.append(time)
            time += sample.duration


def _fill(track: Track, samples: list[Sample], decoded: list[int]) -> None:
    """Give a track without samples of its own the tables of its fragments."""
    track.count = len(samples)
    track.sizes = np.array([sample.size for sample in samples], np.int64)
    track.offsets = np.array([sample.start for sample in samples], np.int64)
    track.decode_times = np.array(decoded, np.int64)
    moved = np.array([sample.composition for sample in samples], np.int64)
    track.composition_times = track.decode_times + moved
    track.sync = np.array([sample.sync for sample in samples], np.bool_)
