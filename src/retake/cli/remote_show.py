"""What the commands for servers show: a bar on a terminal, lines elsewhere, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retake.client import Progress, Request
    from retake.core.errors import RetakeError


class RemoteShow:
    """Tells how one command goes.

    Args:
        as_json: Say everything as JSON, one object a line, on stdout.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._said: tuple[str, str | None, int] | None = None
        self._bar: Any = None
        self._task: Any = None

    def progress(self, now: Progress) -> None:
        """Tell how a request stands, where there is news."""
        percent = now.percent
        if percent is None and now.total:
            percent = 100 * now.done / now.total
        if self._as_json or not sys.stderr.isatty():
            self._line(now, percent)
        else:
            self._move(now, percent)

    def record(self, request: Request) -> None:
        """Show a request."""
        if self._as_json:
            self.json(request.raw)
        else:
            _show_record(request)

    def records(self, requests: list[Request]) -> None:
        """Show requests, a line each."""
        if self._as_json:
            for request in requests:
                self.json(request.raw)
        else:
            _show_table(requests)

    def say(self, text: str, **fields: Any) -> None:
        """Say a sentence, or its facts as JSON."""
        if self._as_json:
            self.json(fields)
        else:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def failed(self, error: RetakeError) -> None:
        """Tell why it did not work."""
        self.close()
        if self._as_json:
            status = getattr(error, "status", None)
            request_id = getattr(error, "request_id", None)
            told = error.to_dict() | {"status": status, "request_id": request_id}
            self.json({"event": "error", "error": error.message, **told})
        else:
            sys.stderr.write(f"retake: {error.message}\n")

    def close(self) -> None:
        """Give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    @staticmethod
    def json(fields: Mapping[str, Any]) -> None:
        """Write an object on a line of its own."""
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()

    def _line(self, now: Progress, percent: float | None) -> None:
        said = (now.status, now.stage, int((percent or 0) // 10))
        if said == self._said:
            return
        self._said = said
        if self._as_json:
            fields = {"stage": now.stage, "done": now.done, "total": now.total}
            fields |= {"percent": percent, "queue_position": now.queue_position}
            self.json(
                {
                    "event": "progress",
                    "request_id": now.request_id or None,
                    "status": now.status,
                    **fields,
                    "eta_seconds": now.eta_seconds,
                }
            )
            return
        share = "" if percent is None else f"  {percent:.0f} %"
        sys.stderr.write(f"{_words(now)}{share}\n")

    def _move(self, now: Progress, percent: float | None) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._bar = Progress(
                TextColumn("{task.description:<22}"),
                BarColumn(bar_width=36, complete_style="dark_orange"),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[left]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("", total=100, left="")
            self._bar.start()
        left = "" if now.eta_seconds is None else f"about {now.eta_seconds:.0f} s left"
        self._bar.update(self._task, description=_words(now), completed=percent or 0, left=left)


def _words(now: Progress) -> str:
    if now.status == "queued" and now.queue_position is not None:
        return f"queued, {now.queue_position} before it"
    return now.status if now.stage in {None, now.status} else f"{now.status}: {now.stage}"


def _show_record(request: Request) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    now, report, outcome = request.progress, request.report, request.outcome
    rows: dict[str, Any] = {
        "request": request.id,
        "status": request.status if now is None else _words(now),
        "percent": None if now is None else now.percent,
        "made by": request.engine,
        "seed": request.seed,
        "error": request.error,
        "code": request.code,
        "created": _moment(request.created_at),
    }
    if report is not None:
        rows["kept"] = f"{report.video_packets_kept} of {report.video_packets} video packets"
        rows["verified"] = f"{report.checks_passed} of {report.checks} checks passed"
    if outcome is not None:
        rows["video"] = outcome.video_url
    for name, value in rows.items():
        if value is not None:
            table.add_row(name, escape(str(value)))
    for note in (*request.warnings, *request.notes):
        table.add_row("note", escape(note))
    Console(highlight=False).print(table)


def _show_table(requests: list[Request]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None)
    # Ids are copied from here: the prompt gives way, never they.
    for name in ("request", "status", "made by", "created"):
        table.add_column(name, no_wrap=True)
    table.add_column("prompt", overflow="ellipsis", no_wrap=False, max_width=60)
    for request in requests:
        prompt = str(request.payload.get("prompt") or "")
        cells = (request.id, request.status, request.engine, _moment(request.created_at), prompt)
        table.add_row(*(escape(str(cell or "")) for cell in cells))
    Console(highlight=False).print(table)


def _moment(at: int | None) -> str | None:
    return None if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
