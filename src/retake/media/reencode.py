"""What encoding a stream anew as a whole takes: a codec, a recipe, all its frames or samples."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from retake.core.containers import CONTAINERS
from retake.core.source import AudioStream
from retake.media.audio import soundtrack
from retake.media.decode import decode_frames
from retake.media.job import RenderJob
from retake.media.muxing import sound as sound_coders
from retake.media.muxing.contents import EncodedPictures, EncodedSound
from retake.media.pictures.fineness import fineness
from retake.media.pictures.light import light_in, lit
from retake.media.pictures.recipe import DEFAULT_CRF
from retake.media.pictures.recipes.anew import anew, can_encode
from retake.media.sound import sample_depth


def video_codec_for(job: RenderJob, file_type: str) -> str:
    """Return the codec in which the job's pictures are encoded anew, in a kind of file.

    The one that was asked for; else the source's own or the first that the container holds, of
    those that lose neither bits nor colour where there are any.
    """
    own, held = job.source.video.codec, CONTAINERS[file_type].video
    if job.conversion.video_codec is not None:
        return job.conversion.video_codec
    offered = [codec for codec in (own, *held) if codec in held and can_encode(codec)]
    return min(offered, key=lambda codec: _loss(job, codec))


def audio_codec_for(file_type: str, wanted: str | None, channels: int) -> str:
    """Return the codec in which sound is encoded anew, in a kind of file.

    Args:
        file_type: The kind.
        wanted: The codec that was asked for, or the source's own.
        channels: How many it has.
    """
    held = CONTAINERS[file_type].audio
    if wanted in held and sound_coders.can_encode(wanted, channels):
        return wanted
    fits = (codec for codec in held if sound_coders.can_encode(codec, channels))
    return next(fits, held[0])


def encoded_pictures(job: RenderJob, file_type: str) -> EncodedPictures:
    """Return all pictures of the new file, to be encoded."""
    codec = video_codec_for(job, file_type)
    crf = fineness(job.src, job.source.video)
    recipe = anew(job.source.video, codec, crf=crf, reorder=2, tag=None)
    recipe = lit(recipe, light_in(job.src, job.source.video.index))
    said: dict[int, bytes] = {}
    return EncodedPictures(recipe, _all_pictures(job, recipe.pix_fmt, said), said)


def encoded_sound(job: RenderJob, file_type: str) -> EncodedSound:
    """Return all sound of the edited track, or of one that is made, to be encoded."""
    audio = job.audio
    if audio is None:
        sounds, rate = job.sounds()
        begins, samples = Fraction(0), soundtrack.silence_around(job.source, sounds, rate)
    else:
        sounds, rate = job.sounds() if job.new_sound else ((), audio.sample_rate)
        begins, samples = soundtrack.full_sound(job.src, audio, sounds)
    wanted = job.conversion.audio_codec or (audio.codec if audio else None)
    return EncodedSound(
        codec=audio_codec_for(file_type, wanted, samples.shape[0]),
        samples=samples,
        rate=rate,
        begins=begins,
        layout=audio.layout if audio else None,
        bits=audio.bit_rate if audio else None,
        depth=sample_depth(job.src, audio) if audio else 24,
    )


def other_sound(job: RenderJob, audio: AudioStream, file_type: str) -> EncodedSound:
    """Return all sound of a track that is not edited, to be encoded."""
    begins, samples = soundtrack.full_sound(job.src, audio, ())
    return EncodedSound(
        codec=audio_codec_for(file_type, audio.codec, audio.channels),
        samples=samples,
        rate=audio.sample_rate,
        begins=begins,
        layout=audio.layout,
        bits=audio.bit_rate,
        depth=sample_depth(job.src, audio),
    )


def _loss(job: RenderJob, codec: str) -> tuple[bool, bool]:
    """Return whether a codec's encoder loses bits of the pictures, and whether it loses colour."""
    video = job.source.video
    old = av.VideoFormat(video.pix_fmt, 64, 64)
    recipe = anew(video, codec, crf=DEFAULT_CRF, reorder=2, tag=None)
    new = av.VideoFormat(recipe.pix_fmt, 64, 64)
    coarser = new.chroma_width() < old.chroma_width() or new.chroma_height() < old.chroma_height()
    return depth_of(recipe.pix_fmt) < video.bit_depth, not old.is_rgb and coarser


def depth_of(pix_fmt: str) -> int:
    """Return the bits of a pixel format's luma samples."""
    return av.VideoFormat(pix_fmt, 64, 64).components[0].bits


def _all_pictures(job: RenderJob, pix_fmt: str, said: dict[int, bytes]) -> Iterator[av.VideoFrame]:
    """Yield every frame of the new stream: the source's, and the takes' in their sections.

    What the source's frames say, those that are replaced too, is noted in `said`.
    """
    count = len(job.source.video.pts)
    # One pass over the source: the sections have to be decoded anyway for what follows them.
    taken = job.pictures()
    new = next(taken, None)
    for number, frame in enumerate(decode_frames(job.src, job.source, 0, count)):
        picture = frame
        captions = frame.side_data.get("A53_CC")
        if captions is not None:
            said[number] = bytes(captions)
        if new is not None and new[0] == number:
            picture, new = new[1], next(taken, None)
        yield picture if picture.format.name == pix_fmt else picture.reformat(format=pix_fmt)
