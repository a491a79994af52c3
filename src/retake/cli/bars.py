"""Live progress on a terminal: one bar a stage."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from retake.cli.summary import show_summary
from retake.core.errors import RetakeError
from retake.core.eta import percent_done, seconds_left
from retake.core.watch import ProgressSink, Stage


class Bars:
    """Shows every stage as it goes, with an estimate of the time left for the whole."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=36, complete_style="dark_orange", finished_style="green"),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[left]}"),
            console=self._console,
        )
        self._began = time.monotonic()
        self._tasks: dict[Stage, TaskID] = {}
        self._bars.start()

    def progress(self, stage: Stage, done: int, total: int) -> None:
        """Move the stage's bar."""
        if stage not in self._tasks:
            self._finish_earlier()
            self._tasks[stage] = self._bars.add_task(stage, total=None, left="")
        eta = seconds_left(percent_done(stage, done, total), time.monotonic() - self._began)
        left = "" if eta is None or done >= total else f"about {eta:.0f} s left"
        self._bars.update(self._tasks[stage], completed=done, total=total or None, left=left)

    def _finish_earlier(self) -> None:
        for task in self._tasks.values():
            self._bars.update(task, total=1, completed=1, left="")

    def done(
        self,
        files: Mapping[str, str],
        report: Mapping[str, Any],
        takes: Sequence[Mapping[str, Any]] = (),
        picked: Mapping[str, Any] | None = None,
    ) -> None:
        """Close the bars and show the summary."""
        self._finish_earlier()
        self.close()
        show_summary(files, report, takes, picked)

    def failed(self, error: RetakeError) -> None:
        """Close the bars and show the error."""
        self.close()
        self._console.print(f"[bold red]retake:[/] {error.message}", highlight=False)

    def close(self) -> None:
        """Give the terminal back."""
        self._bars.stop()


@contextmanager
def single_bar(name: str) -> Generator[ProgressSink]:
    """Yield a sink that moves one bar, whatever the stage; the bar is gone afterwards."""
    bars = Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=36, complete_style="dark_orange", finished_style="green"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bars.add_task(name, total=None)

    def sink(_stage: Stage, done: int, total: int) -> None:
        bars.update(task, completed=done, total=total or None)

    with bars:
        yield sink
