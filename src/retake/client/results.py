"""What the client returns: typed, frozen, and each with `raw`, the JSON as it came.

Keys that this version does not know stay in `raw`; keys that a server does not send are None.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from retake.client import notebook
from retake.client.reading import Raw, a_list, a_number, a_text, a_whole, an_object, nothing, texts
from retake.core.request import Status

_TERMINAL = frozenset(str(status) for status in Status if status.terminal)


@dataclass(frozen=True, slots=True)
class Progress:
    """How a request stands.

    Attributes:
        request_id: Which request; empty while its video is being uploaded.
        status: ``uploading`` before it is submitted, then the server's words.
        stage: The stage that it is in; None while it waits, or where the server does not tell.
        done, total: How far that stage is, in its own units; `total` is 0 while it is not known.
        percent: How far the whole request is, 0 to 100; None when that is not known.
        queue_position: How many requests start before this one; None once it has started.
        eta_seconds: Estimated seconds to its end; None while nothing can be said.
    """

    request_id: str
    status: str
    stage: str | None = None
    done: int = 0
    total: int = 0
    percent: float | None = None
    queue_position: int | None = None
    eta_seconds: float | None = None
    raw: Raw = field(default_factory=nothing, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw) -> Progress:
        """Return the progress that a record or an event tells."""
        told = an_object(raw.get("progress"))
        return cls(
            request_id=str(raw.get("request_id", "")),
            status=str(raw.get("status", "")),
            stage=a_text(told.get("stage")),
            done=int(a_number(told.get("done")) or 0),
            total=int(a_number(told.get("total")) or 0),
            percent=a_number(told.get("percent")),
            queue_position=a_whole(raw.get("queue_position")),
            eta_seconds=a_number(raw.get("eta_seconds")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The files of a request that was done. URLs are good for a while only (`expires_at`)."""

    video_url: str | None = None
    thumbnail_url: str | None = None
    sheet_url: str | None = None
    report_url: str | None = None
    media_urls: tuple[str, ...] = ()
    expires_at: int | None = None
    raw: Raw = field(default_factory=nothing, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw) -> Outcome:
        """Return the outcome of a record; the first of ``media_urls`` is always the video."""
        media = raw.get("media_urls")
        found = [a_text(an_object(each).get("url")) for each in a_list(media)]
        urls = tuple(url for url in found if url)
        return cls(
            video_url=a_text(raw.get("video_url")) or (urls[0] if urls else None),
            thumbnail_url=a_text(raw.get("thumbnail_image_url")),
            sheet_url=a_text(raw.get("sheet_url")),
            report_url=a_text(raw.get("report_url")),
            media_urls=urls,
            expires_at=a_whole(raw.get("expires_at")),
            raw=raw,
        )

    @property
    def takes(self) -> tuple[int, ...]:
        """The numbers of the takes that were made, from 1 on; none where only one was asked for."""
        takes = [an_object(each) for each in a_list(self.raw.get("takes"))]
        found = [a_whole(take.get("take")) for take in takes if a_text(take.get("url"))]
        return tuple(number for number in found if number is not None)

    def url(self, role: str, take: int | None = None) -> str | None:
        """Return the URL of ``video``, ``thumbnail``, ``sheet``, ``report``, or None.

        Other roles are looked for in `raw` under ``<role>_url``. `take` counts from 1 where a
        request made several; the first one's files are given without it.
        """
        if take is not None:
            known = {"video": "url", "thumbnail": "thumbnail_image_url"}
            takes = [an_object(each) for each in a_list(self.raw.get("takes"))]
            found = next((each for each in takes if each.get("take") == take), nothing())
            return a_text(found.get(known.get(role, f"{role}_url")))
        known = {"video": self.video_url, "thumbnail": self.thumbnail_url}
        return known.get(role) or a_text(self.raw.get(f"{role}_url"))


@dataclass(frozen=True, slots=True)
class Report:
    """What was kept and what was made anew, as far as everybody asks for it; all is in `raw`.

    Attributes:
        start_s, end_s: The section in effect, in seconds.
        video, audio: What happened to the stream: ``copied``, ``smart``, ``reencoded``, …
        video_packets_kept, video_packets: Packets that are the source's own, and all of them.
        checks_passed, checks: Verifications that passed, and all of them.
        sha256: Of the new video, in hexadecimal.
        fallback: Why everything was encoded anew; None when it was not.
    """

    start_s: float | None = None
    end_s: float | None = None
    video: str | None = None
    audio: str | None = None
    video_packets_kept: int = 0
    video_packets: int = 0
    checks_passed: int = 0
    checks: int = 0
    sha256: str | None = None
    fallback: str | None = None
    raw: Raw = field(default_factory=nothing, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw) -> Report:
        """Return the report of a record."""
        section, output = an_object(raw.get("section")), an_object(raw.get("output"))
        video, audio = an_object(raw.get("video")), an_object(raw.get("audio"))
        checks = [an_object(each) for each in a_list(raw.get("checks"))]
        return cls(
            start_s=a_number(section.get("start_s")),
            end_s=a_number(section.get("end_s")),
            video=a_text(video.get("action")),
            audio=a_text(audio.get("action")),
            video_packets_kept=a_whole(video.get("packets_copied")) or 0,
            video_packets=a_whole(video.get("packets")) or 0,
            checks_passed=sum(check.get("passed") is True for check in checks),
            checks=len(checks),
            sha256=a_text(output.get("sha256")),
            fallback=a_text(raw.get("fallback")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the server tells it. Moments are Unix time in whole seconds."""

    id: str
    model: str
    status: str
    created_at: int | None = None
    updated_at: int | None = None
    payload: Raw = field(default_factory=nothing, repr=False)
    outcome: Outcome | None = field(default=None, repr=False)
    progress: Progress | None = None
    engine: str | None = None
    seed: int | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    report: Report | None = None
    error: str | None = None
    code: str | None = None
    param: str | None = None
    retryable: bool = False
    raw: Raw = field(default_factory=nothing, repr=False, compare=False)

    @classmethod
    def parse(cls, raw: Raw) -> Request:
        """Return the request that a record tells."""
        outcome, report = an_object(raw.get("outcome")), an_object(raw.get("report"))
        status = str(raw.get("status", ""))
        error = raw.get("error") or outcome.get("error")
        return cls(
            id=str(raw.get("request_id", "")),
            model=str(raw.get("model", "")),
            status=status,
            created_at=a_whole(raw.get("created_at")),
            updated_at=a_whole(raw.get("updated_at")),
            payload=an_object(raw.get("payload")),
            outcome=Outcome.parse(outcome) if outcome and status == Status.SUCCESS else None,
            progress=Progress.parse(raw) if status not in _TERMINAL else None,
            engine=a_text(raw.get("engine")),
            seed=a_whole(raw.get("seed")),
            warnings=texts(raw.get("warnings")),
            notes=texts(raw.get("notes")),
            report=Report.parse(report) if report else None,
            error=a_text(error) or a_text(raw.get("reason")),
            code=a_text(raw.get("code")),
            param=a_text(raw.get("param")),
            retryable=raw.get("retryable") is True,
            raw=raw,
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in _TERMINAL

    @property
    def succeeded(self) -> bool:
        """Whether there is a result."""
        return self.status == Status.SUCCESS

    def _repr_html_(self) -> str:
        return notebook.request_html(self)
