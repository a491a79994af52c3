"""What `retake edit` and `retake submit` are told in the same words."""

from __future__ import annotations

from typing import Annotated

import typer

DurationOption = Annotated[
    str | None, typer.Option(help="How long it is, told likewise; 5 if not told.")
]
SectionOption = Annotated[
    list[str] | None,
    typer.Option(
        help="One of several sections, as START,DURATION or START,DURATION,PROMPT, or as a JSON "
        "object that may also have mode and seed; once for each, in the place of --start and "
        "--duration."
    ),
]
PromptOption = Annotated[str, typer.Option(help="What should happen in the section.")]
ModeOption = Annotated[
    str,
    typer.Option(
        help="replace_audio_and_video, replace_audio (keeps the video's packets) or "
        "replace_video (keeps the audio's packets)."
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(help="Same source, request and seed give the same bytes.")
]
TakesOption = Annotated[
    int | None, typer.Option(help="Make so many results: out.1.mp4, out.2.mp4 and so on.")
]
SeedsOption = Annotated[
    str | None, typer.Option(help="The seeds of several results, such as 7,8,9.")
]
VideoCodecOption = Annotated[
    str | None, typer.Option(help="Encode all pictures anew as h264, hevc, av1, vp9, …")
]
AudioCodecOption = Annotated[
    str | None, typer.Option(help="Encode the whole edited track anew as aac, opus, flac, …")
]
