"""The form of a file: its names, its tracks, how its pictures are to be shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from retake.core.report import Action, StreamReport
from retake.media.proof.verify import verify
from tests.matrix.sources import Promise

if TYPE_CHECKING:
    from tests.matrix.judge import Judged

# What a muxer writes about itself, and lengths that it counts anew.
_ITS_OWN = frozenset(
    {"encoder", "major_brand", "minor_version", "compatible_brands", "duration", "vendor_id"}
)


def form(done: Judged) -> Iterator[str]:
    """Yield what differs in the form of the two files beyond what was asked for."""
    edit = done.edit
    checks = verify(edit.src, edit.out, edit.source, edit.section, done.mode, edit.rendered)
    for check in checks:
        if not check.passed:
            yield f"its own verification fails: {check.name}: {check.detail}"
    left = [path.name for path in edit.out.parent.iterdir() if path.name.endswith(".part")]
    if left:
        yield f"left behind: {left}"
    before, after = _facts(edit.src), _facts(edit.out)
    yield from _differences(done, before, after)
    for kind, report, wanted in (
        ("video", edit.rendered.video, done.row.codec),
        ("audio", edit.rendered.audio, done.row.audio_codec),
    ):
        codec, should = after.get(f"{kind}0.codec"), wanted or before.get(f"{kind}0.codec")
        if report.action is Action.REENCODED and codec != should:
            yield f"{kind}0.codec: {codec} instead of {should}"


def told(name: str, report: StreamReport, promise: Promise, reason: str = "") -> Iterator[str]:
    """Yield what is wrong with what the report says of a stream that was edited.

    Args:
        name: What to call the stream.
        report: What it says.
        promise: What is promised of it.
        reason: A word of the reason, where it is encoded anew.
    """
    wanted = Action.REENCODED if promise is Promise.REENCODED else Action.SMART
    if report.action is not wanted:
        yield f"{name}: {report.action}, not {wanted}: {report.reason}"
    silent = not report.reason or reason not in report.reason
    if report.action is not Action.SMART and silent:
        yield f"{name}: the report's reason is {report.reason!r}"


def _differences(done: Judged, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    reports = {"video0": done.edit.rendered.video, "audio0": done.edit.rendered.audio}
    created = reports["audio0"].action is Action.CREATED
    for name in sorted(before.keys() | after.keys()):
        stream, _, what = name.partition(".")
        anew = stream in reports and reports[stream].action is Action.REENCODED
        if (anew and what in _CHANGES_WHEN_ENCODED) or (created and stream in _CREATED):
            continue
        better = name == "moov first" and after.get(name)
        if before.get(name) != after.get(name) and not better:
            yield f"{name}: {before.get(name)} became {after.get(name)}"


_CREATED = frozenset({"audio0", "streams"})
_CHANGES_WHEN_ENCODED = frozenset({"codec", "profile", "tag", "time base", "level"})


def _facts(path: Path) -> dict[str, Any]:
    with av.open(path) as container:
        found: dict[str, Any] = {
            "container": container.format.name,
            "metadata": _names(container.metadata),
            "chapters": [
                (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"])
                for c in container.chapters()
            ],
            "streams": [stream.type for stream in container.streams],
            "moov first": _moov_first(path),
        }
        for kind in ("video", "audio", "subtitles", "data"):
            for number, stream in enumerate(getattr(container.streams, kind)):
                facts = _stream(stream)
                found |= {f"{kind}{number}.{name}": value for name, value in facts.items()}
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        found["video0.rotation"] = frame.rotation
        found["video0.frame sides"] = sorted(
            data.type.name for data in frame.side_data if data.type.name != "SEI_UNREGISTERED"
        )
        found["video0.interlaced"] = frame.interlaced_frame
    return found


def _stream(stream: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "names": _names(stream.metadata),
        "disposition": stream.disposition,
        "time base": stream.time_base,
    }
    context = stream.codec_context
    if stream.type == "video":
        facts |= {
            "codec": context.codec.canonical_name,
            "profile": context.profile,
            "tag": context.codec_tag,
            "size": (context.width, context.height),
            "format": context.pix_fmt,
            "aspect": stream.sample_aspect_ratio or 1,
            "rate": stream.average_rate,
            "colour": (
                context.color_range,
                context.color_primaries,
                context.color_trc,
                context.colorspace,
            ),
        }
    if stream.type == "audio":
        facts |= {
            "codec": context.codec.canonical_name,
            "profile": context.profile,
            "tag": context.codec_tag,
            "rate": context.sample_rate,
            # Matroska does not tell the layout of PCM.
            "layout": context.layout.name.replace("2 channels", "stereo"),
        }
    return facts


def _names(metadata: dict[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in _ITS_OWN and not key.startswith("_STATISTICS")
    }


def _moov_first(path: Path) -> bool | None:
    data = path.read_bytes()
    moov, mdat = data.find(b"moov"), data.find(b"mdat")
    return moov < mdat if data[4:8] == b"ftyp" else None
