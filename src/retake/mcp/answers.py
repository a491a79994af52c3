"""What the tools answer: a sentence for the model, values for programs, links to the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_types import CallToolResult, ContentBlock, ResourceLink, TextContent
from pydantic import BaseModel, Field

from retake.client import Progress, Request
from retake.core.errors import RetakeError

_LINKS = (
    ("video", "video_url", "The edited video", "video/mp4"),
    ("thumbnail", "thumbnail_image_url", "A picture of the section", "image/jpeg"),
    ("section", "section_url", "The section alone", None),
    ("audio", "audio_url", "The edited sound alone", None),
    ("sheet", "sheet_url", "Before and after, side by side", "image/jpeg"),
    ("takes", "takes_sheet_url", "All takes, side by side", "image/jpeg"),
    ("report", "report_url", "What was kept and what was made anew", "application/json"),
)


class RequestTold(BaseModel):
    """A request as it stands."""

    request_id: str
    status: str = Field(description="queued, processing, success, failed or cancelled")
    model: str
    engine: str | None = None
    seed: int | None = None
    stage: str | None = None
    percent: float | None = None
    queue_position: int | None = None
    eta_seconds: float | None = None
    video_url: str | None = Field(None, description="Good until expires_at; ask again for another")
    expires_at: int | None = None
    notes: list[str] = Field(default_factory=list, description="What the engine understood")
    warnings: list[str] = Field(default_factory=list)
    error: str | None = None
    code: str | None = None
    param: str | None = None
    retryable: bool = False


class RequestsTold(BaseModel):
    """Requests, the newest first."""

    requests: list[RequestTold]


def told(request: Request) -> RequestTold:
    """Return a request's values."""
    progress = request.progress or Progress(request.id, request.status)
    outcome = request.outcome
    return RequestTold(
        request_id=request.id,
        status=request.status,
        model=request.model,
        engine=request.engine,
        seed=request.seed,
        stage=progress.stage,
        percent=progress.percent,
        queue_position=progress.queue_position,
        eta_seconds=progress.eta_seconds,
        video_url=None if outcome is None else outcome.video_url,
        expires_at=None if outcome is None else outcome.expires_at,
        notes=list(request.notes),
        warnings=list(request.warnings),
        error=request.error,
        code=request.code,
        param=request.param,
        retryable=request.retryable,
    )


def request_answer(request: Request) -> CallToolResult:
    """Return the answer that tells one request; its files are links."""
    content: list[ContentBlock] = [TextContent(text=sentence(request))]
    outcome = {} if request.outcome is None else request.outcome.raw
    for name, key, title, media_type in _LINKS:
        url = outcome.get(key)
        if isinstance(url, str):
            link = ResourceLink(name=name, title=title, uri=url, mime_type=media_type)
            content.append(link)
    content += _take_links(request)
    return CallToolResult(content=content, structured_content=told(request).model_dump())


def _take_links(request: Request) -> list[ContentBlock]:
    """Return a link to each take's video, where there are several."""
    outcome = request.outcome
    found = {take: outcome.url("video", take) for take in outcome.takes} if outcome else {}
    return [
        ResourceLink(name=f"take_{take}", title=f"Take {take}", uri=url, mime_type="video/mp4")
        for take, url in found.items()
        if url
    ]


def requests_answer(requests: list[Request]) -> CallToolResult:
    """Return the answer that tells several."""
    lines = [sentence(request) for request in requests] or ["There are no requests."]
    values = RequestsTold(requests=[told(request) for request in requests])
    return CallToolResult(
        content=[TextContent(text="\n".join(lines))], structured_content=values.model_dump()
    )


def values_answer(text: str, values: Mapping[str, Any]) -> CallToolResult:
    """Return an answer of other values, `text` telling the most important of them."""
    return CallToolResult(content=[TextContent(text=text)], structured_content=dict(values))


def refusal(error: RetakeError) -> CallToolResult:
    """Return the answer that tells what was wrong, for the model to mend."""
    values = {
        "error": error.message,
        "code": error.code,
        "param": error.param,
        "retryable": error.retryable,
    }
    hints = [f"code {error.code}"]
    hints += [f"parameter {error.param}"] if error.param else []
    hints += ["may succeed later as it is"] if error.retryable else []
    text = f"{error.message} ({'; '.join(hints)})"
    return CallToolResult(
        content=[TextContent(text=text)], structured_content=values, is_error=True
    )


def sentence(request: Request) -> str:
    """Return how a request stands, in a sentence."""
    start = f"Request {request.id} "
    if request.status == "failed":
        return f"{start}failed: {request.error} (code {request.code})"
    if request.succeeded:
        return f"{start}is done; the video is linked."
    if request.ended:
        return f"{start}was cancelled."
    return f"{start}is {how_far(request.progress)}."


def how_far(progress: Progress | None) -> str:
    """Return how far a request is that has not ended, in a few words."""
    if progress is None or progress.stage is None:
        place = None if progress is None else progress.queue_position
        waits = "" if place is None else f", {place} before it"
        return f"waiting{waits}" if progress is None or place is not None else progress.status
    percent = "" if progress.percent is None else f", {progress.percent:.0f} % of all"
    return f"being made: {progress.stage}{percent}"
