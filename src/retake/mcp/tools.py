"""The tools: probe, effects, submit, status, wait, cancel, list; and bringing files to and fro."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Annotated, Any, Concatenate, Literal, ParamSpec

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from retake.client import AsyncClient, Request, Timeout
from retake.client.uploading import is_url
from retake.core.errors import BadRequest, RetakeError
from retake.mcp.answers import (
    RequestsTold,
    RequestTold,
    how_far,
    refusal,
    request_answer,
    requests_answer,
    values_answer,
)
from retake.mcp.desk import Desk
from retake.mcp.parameters import (
    Duration,
    Id,
    Model,
    Prompt,
    Replaced,
    Sections,
    Start,
    Takes,
    Video,
)

P = ParamSpec("P")
MOST_WAIT_S = 600
_Ctx = Context[Any, Any]
_Answers = Callable[Concatenate["Tools", _Ctx, P], Coroutine[Any, Any, CallToolResult]]

_DEFAULT_MODEL = "ltx-2-pro-retake"


def _told(tool: _Answers[P]) -> _Answers[P]:
    """Let a tool's RetakeErrors be answers that say what was wrong."""

    @functools.wraps(tool)
    async def answered(self: Tools, ctx: _Ctx, *args: P.args, **kwargs: P.kwargs) -> CallToolResult:
        try:
            return await tool(self, ctx, *args, **kwargs)
        except RetakeError as error:
            return refusal(error)

    return answered


class Tools:
    """The tools of one desk. Each returns an answer with values, and text for the model."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @_told
    async def probe(
        self,
        ctx: _Ctx,
        video: Video,
        start_time: Start = 0,
        duration: Duration = None,
        prompt: Prompt = "",
        mode: Replaced = "replace_audio_and_video",
        model: Model = _DEFAULT_MODEL,
    ) -> CallToolResult:
        """Look into a video, and tell what a submit with these parameters would do.

        Nothing is made: it answers the video's size, length, frame rate and sound, the section in
        whole frames, an estimate of time and memory, and what of the prompt would be ignored.
        """
        source = self._source(video)
        async with self._desk.client(ctx) as client:
            found = await client.dry_run(
                source,
                start=start_time,
                duration=duration,
                prompt=prompt,
                mode=mode,
                model=model,
            )
        return values_answer(_probed(found), found)

    @_told
    async def effects(self, ctx: _Ctx, model: Model = _DEFAULT_MODEL) -> CallToolResult:
        """Tell what the engine can do and cannot, and which options it takes."""
        async with self._desk.client(ctx) as client:
            found = await client.model(model)
            ids = await client.models()
        text = str(found.get("detailed_description") or found.get("brief_description") or model)
        return values_answer(text, {**found, "model_ids": list(ids)})

    @_told
    async def submit(
        self,
        ctx: _Ctx,
        video: Video,
        prompt: Prompt,
        start_time: Start = 0,
        duration: Duration = None,
        mode: Replaced = "replace_audio_and_video",
        seed: Annotated[int | None, Field(ge=0, le=2**32 - 1)] = None,
        model: Model = _DEFAULT_MODEL,
        options: Annotated[
            dict[str, Any] | None, Field(description="The engine's own options, see effects")
        ] = None,
        sections: Sections = None,
        takes: Takes = None,
    ) -> Annotated[CallToolResult, RequestTold]:
        """Re-shoot a section of a video. Answers the request at once; `wait` waits for the result.

        The section is start_time + duration; everything else of the video is kept bit for bit.
        """
        source = self._source(video)
        async with self._desk.client(ctx) as client:
            request = await client.submit(
                source,
                start=None if sections else start_time,
                duration=duration,
                prompt=prompt,
                mode=mode,
                seed=seed,
                model=model,
                options=options,
                sections=sections and [each.model_dump(exclude_none=True) for each in sections],
                takes=takes,
            )
        return request_answer(request)

    @_told
    async def status(self, ctx: _Ctx, request_id: Id) -> Annotated[CallToolResult, RequestTold]:
        """Tell how a request stands, with fresh links to its files once it is done."""
        async with self._desk.client(ctx) as client:
            return request_answer(await client.get(request_id))

    @_told
    async def wait(
        self,
        ctx: _Ctx,
        request_id: Id,
        timeout_s: Annotated[
            float, Field(ge=0, le=MOST_WAIT_S, description="How long to wait, in seconds")
        ] = 50,
    ) -> Annotated[CallToolResult, RequestTold]:
        """Wait until a request has ended, telling its progress; answers it as it then stands.

        The request goes on when the time is over: call it again.
        """
        async with self._desk.client(ctx) as client:
            with contextlib.suppress(Timeout):
                await _followed(ctx, client, request_id, timeout_s)
            return request_answer(await client.get(request_id))

    @_told
    async def cancel(self, ctx: _Ctx, request_id: Id) -> Annotated[CallToolResult, RequestTold]:
        """Cancel a request; one that has ended stays as it is."""
        async with self._desk.client(ctx) as client:
            return request_answer(await client.cancel(request_id))

    @_told
    async def list_requests(
        self,
        ctx: _Ctx,
        limit: Annotated[int, Field(ge=1, le=100)] = 10,
        status: Literal["queued", "processing", "success", "failed", "cancelled"] | None = None,
    ) -> Annotated[CallToolResult, RequestsTold]:
        """List the caller's requests, the newest first."""
        async with self._desk.client(ctx) as client:
            found: list[Request] = []
            async for request in client.list(status=status, page_size=limit):
                found.append(request)
                if len(found) >= limit:
                    break
        return requests_answer(found)

    @_told
    async def save(
        self,
        ctx: _Ctx,
        request_id: Id,
        path: Annotated[str, Field(description="Where the file goes on this machine")],
        role: Literal["video", "thumbnail", "sheet", "report"] = "video",
        overwrite: Annotated[bool, Field(description="Whether a file there is replaced")] = False,  # noqa: FBT002 - an agent names it
    ) -> CallToolResult:
        """Save a file of a finished request on this machine."""
        target = Path(path).expanduser()
        async with self._desk.client(ctx) as client:
            file = await client.download(request_id, target, role=role, overwrite=overwrite)
        values = {"path": str(target), "size": file.size, "sha256": file.sha256}
        return values_answer(f"{target} has the {role}, {file.size} bytes.", values)

    @_told
    async def upload_url(
        self,
        ctx: _Ctx,
        file_type: Annotated[str, Field(description="The video's ending, such as mp4")] = "mp4",
    ) -> CallToolResult:
        """Give a URL to PUT one video to; its public_url is then the video of a submit."""
        assert self._desk.upload_url is not None  # noqa: S101 - else it is no tool
        urls = await self._desk.upload_url(ctx, file_type)
        text = f"curl -X PUT --upload-file VIDEO '{urls['upload_url']}'"
        return values_answer(f"{text}\nThen submit with video = public_url.", urls)

    def _source(self, video: str) -> str | Path:
        if is_url(video):
            return video
        if self._desk.files:
            return Path(video.removeprefix("file://")).expanduser()
        raise BadRequest(
            "bad_url",
            f"video is {video[:80]!r}; accepted is a URL, for this server does not see your files: "
            "the tool upload_url gives one to PUT the video to",
            param="video",
        )


async def _followed(ctx: _Ctx, client: AsyncClient, request_id: str, timeout_s: float) -> None:
    most = 0.0
    async for progress in client.events(request_id, timeout_s=timeout_s):
        # A client may take a progress that falls for an error.
        most = max(most, progress.percent or 0.0)
        await ctx.report_progress(most, 100.0, how_far(progress))


def _probed(found: Mapping[str, Any]) -> str:
    source, section = found.get("source") or {}, found.get("section") or {}
    video, estimate = source.get("video") or {}, found.get("estimate") or {}
    lines = [
        f"{source.get('seconds')} s of {video.get('width')}x{video.get('height')} at "
        f"{video.get('frame_rate')} frames a second, {video.get('codec')}.",
        f"The section would be {section.get('start_time')} s to {section.get('end_time')} s, "
        f"{section.get('frames')} frames; about {estimate.get('seconds')} s of work.",
    ]
    return "\n".join([*lines, *(str(each) for each in found.get("warnings") or [])])
