"""What the tools take, as agents are told of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from retake.core.takes import MAX_TAKES

Video = Annotated[str, Field(description="URL of the video (http, https, data:)")]
Start = Annotated[float, Field(ge=0, description="Where the section starts, in seconds")]
Duration = Annotated[
    float | None, Field(gt=0, description="How long the section is, in seconds; 5 when not given")
]
Prompt = Annotated[str, Field(description="What should happen in the section")]
Replaced = Annotated[
    Literal["replace_audio_and_video", "replace_audio", "replace_video"],
    Field(description="What of the section is made anew"),
]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$", description="The request_id")]
Model = Annotated[
    str, Field(description="A model's id; the server's default engine when not given")
]
Takes = Annotated[
    int | None,
    Field(
        ge=1,
        le=MAX_TAKES,
        description="Make so many results, each with a seed of its own, to choose",
    ),
]


class Part(BaseModel):
    """One of several sections."""

    start_time: Start
    duration: Annotated[float, Field(gt=0, description="How long it is, in seconds")]
    prompt: Annotated[str | None, Field(description="What should happen in it")] = None


Sections = Annotated[
    list[Part] | None,
    Field(
        min_length=1,
        max_length=8,
        description="Several sections in one render, in order, in the place of start_time and "
        "duration; prompt is for those that have none of their own",
    ),
]
