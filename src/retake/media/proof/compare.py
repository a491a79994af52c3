"""Comparing any two files, knowing nothing of how either was made."""

from __future__ import annotations

import hashlib
import sys
from fractions import Fraction
from pathlib import Path

from retake.core.errors import RetakeError
from retake.core.proof import FileFacts, Proof
from retake.core.request import Limits
from retake.core.source import AudioStream, Source
from retake.core.watch import Stage, Watch
from retake.media.probe import probe
from retake.media.proof.facts import facts_of, name_of
from retake.media.proof.reading import FileRead, read_file
from retake.media.proof.tracks import Tracks
from retake.media.proof.watching import Film, Pictures

_ANY = Limits(
    max_seconds=Fraction(24 * 3600),
    max_long_side=16384,
    max_short_side=16384,
    max_bytes=sys.maxsize,
)


def compare(src: Path, out: Path, watch: Watch, *, everything: bool = False) -> Proof:
    """Return what became of every picture and every moment of sound of `src` in `out`.

    Run this in a process of its own where the files are strangers': see `guarded.compare_safely`.

    Args:
        src: The source.
        out: A file made from it, by whatever means.
        watch: Progress goes out as the stage `verify`; a wish to cancel comes in.
        everything: Decode also what is settled by its packets.

    Raises:
        BadSource: One of the files cannot be read or decoded; the message says which.
        Cancelled: The watch was cancelled.
    """
    source, before = _look(src, "source", watch)
    output, after = _look(out, "output", watch)
    film = Film(src, source, before.streams[source.video.index])
    made = Film(out, output, after.streams[output.video.index])
    pictures = Pictures(film, made, watch, everything=everything).strip(name_of(film.stream))
    tracks = [
        Tracks(film, a, before.streams[a.index], made, b, after.streams[b.index]).strip(
            number, watch, everything=everything
        )
        for number, (a, b) in enumerate(zip(_in_order(source), _in_order(output), strict=False), 1)
    ]
    return Proof(
        source=_file(src),
        output=_file(out),
        strips=(pictures, *tracks),
        facts=facts_of(source, before, output, after),
        duration=source.video.duration,
        decoded_all=everything,
    )


def _look(path: Path, role: str, watch: Watch) -> tuple[Source, FileRead]:
    try:
        watch.progress(Stage.PROBE, 0, 0)
        return probe(path, _ANY), read_file(path, watch.check)
    except RetakeError as error:
        if error.kind == "cancelled":
            raise
        raise type(error)(error.code, f"the {role}: {error.message}", param=role) from error


def _file(path: Path) -> FileFacts:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileFacts(path.name, digest, path.stat().st_size)


def _in_order(source: Source) -> list[AudioStream]:
    """Return the tracks of sound in the container's order, not with the default one in front."""
    return sorted(source.audio, key=lambda audio: audio.index)
