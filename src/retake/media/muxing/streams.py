"""The streams of a new file: what is told of each, and which of the old ones find room."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import av.error

from retake.core.source import VideoStream
from retake.media.muxing.form import Form
from retake.media.pictures.encode import add_encoder
from retake.media.pictures.recipe import Recipe

_NOT_OURS = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})
# FFmpeg knows QuickTime's languages by one code each.
_QUICKTIME = {
    **{"deu": "ger", "fre": "fra", "nld": "dut", "swe": "sve", "ell": "gre", "isl": "ice"},
    **{"zho": "chi"},
}
_BASE_MEDIA = frozenset({"mp4", "mov"})


def add_copy(
    out: Any,
    old: Any,
    form: Form,
    kind: str,
    config: bytes | None = None,
    *,
    paced: bool = True,
) -> Any:
    """Return a new stream of an output container for packets of an old one.

    Args:
        out: The container.
        old: The stream of the source.
        form: What is written.
        kind: The source's `file_type`.
        config: Another decoder configuration than the old one's.
        paced: Whether the source tells how long a picture is shown; where it does not, Matroska
            is not told, either.

    Raises:
        ValueError: The container does not hold the stream's codec.
    """
    new = out.add_stream_from_template(old, opaque=True)
    coder = new.codec_context
    if coder is not None:
        tag = _tag(old, form, kind)
        if tag is not None:
            coder.codec_tag = tag
        if config is not None:
            coder.extradata = config
        if old.type == "video":
            coder.framerate = (old.average_rate if paced else None) or Fraction(0)
    return told(new, old)


def add_pictures(out: Any, old: Any, recipe: Recipe, video: VideoStream) -> Any:
    """Return a new stream of an output container that encodes pictures of an old one."""
    new = add_encoder(out, recipe, video)
    if video.rotation:
        # FFmpeg counts counter-clockwise.
        new.set_display_rotation(-video.rotation)
    return told(new, old)


def add_other(out: Any, old: Any, form: Form, kind: str) -> Any:
    """Return a new stream for a subtitle, data or file beside; None without room for it.

    Some of them the muxer only turns down once it writes its head, so it is asked by a trial.
    """
    if old.type == "attachment":
        return _attachment(out, old, form)
    try:
        with av.open(io.BytesIO(), "w", format=form.muxer) as trial:
            add_copy(trial, old, form, kind)
            trial.start_encoding()
        return add_copy(out, old, form, kind)
    except (ValueError, av.error.FFmpegError):
        return None


def tell(container: Any, out: Any) -> None:
    """Put the source's metadata and chapters into a new file, before anything is written."""
    out.metadata.update({k: v for k, v in container.metadata.items() if k not in _NOT_OURS})
    out.set_chapters(container.chapters())


def told(new: Any, old: Any) -> Any:
    """Return a new stream that tells of itself what the old one does: language, title, role."""
    new.metadata.update(old.metadata)
    language = new.metadata.get("language")
    if language in _QUICKTIME and new.container.format.name == "mov":
        new.metadata["language"] = _QUICKTIME[language]
    new.disposition = old.disposition
    return new


def _tag(old: Any, form: Form, kind: str) -> str | None:
    """Return the four letters for a stream; None for the muxer's own choice."""
    if {form.file_type, kind} <= _BASE_MEDIA:
        return old.codec_context.codec_tag
    if form.file_type in _BASE_MEDIA and old.codec_context.name == "hevc":
        # What Apple's players want; it says that the parameter sets stand in the sample entry.
        return "hvc1"
    return None


def _attachment(out: Any, old: Any, form: Form) -> Any:
    """Return the new home of a file that lies beside the streams, its bytes already in it."""
    if form.file_type != "mkv":
        return None
    new = out.add_attachment(old.name or "file", old.mimetype or "", bytes(old.data))
    return told(new, old)
