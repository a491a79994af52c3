"""Log lines: for people, or one JSON object a line; each with the request that it is about.

Every library's lines go the same way. What may not be in a line does not get here: no query of a
URL, no header, no prompt.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from retake.telemetry.about import About, now_about

Format = Literal["text", "json"]
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id"}
# What uvicorn and DBOS add to their lines; the last is the request's id.
_THEIRS = {"color_message", "applicationID", "applicationVersion", "executorID", "operationUUID"}
_TOO_CHATTY = ("httpx", "httpcore", "asyncio", "numba", "PIL", "urllib3", "opentelemetry")
_GARBAGE = "Invalid HTTP request received."
# A signature of ours, or of somebody else's storage: whoever reads it can fetch the file.
_SECRET = re.compile(
    r"(?i)\b((?:x-amz-)?(?:signature|credential|security-token|token|sig)=)[^&\s'\"]+"
)
_KEY = re.compile(r"\b(rt_[\w-]{6})[\w-]{20,}")


def set_up_logs(level: str, form: Format = "text") -> None:
    """Send all lines of this process to standard error.

    Args:
        level: The lowest level that is written: DEBUG, INFO, WARNING or ERROR.
        form: For people, or JSON.
    """
    # The library's documented way to ask for less (Logging HOWTO, "Optimization"): no line tells
    # where in the code it was written, or by which thread.
    logging._srcfile = None  # pyright: ignore[reportPrivateUsage]
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TOO_CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # Whoever sends garbage would write the log.
    logging.getLogger("uvicorn.error").addFilter(lambda line: line.msg != _GARBAGE)
    # DBOS brings a handler of its own unless there is one when it is imported.
    dbos = logging.getLogger("dbos")
    dbos.handlers[:] = [logging.NullHandler()]
    dbos.propagate = True


class JsonLines(logging.Formatter):
    """One object a line: ``time``, ``level``, ``logger``, ``message``, ``request_id``, more."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": _name(record),
            "message": clean(record.getMessage()),
        }
        about = now_about()
        if request_id := _request_id(record, about):
            line["request_id"] = request_id
        if about and about.trace:
            line["trace_id"] = about.trace.split("-")[1]
        more = vars(record).items()
        line |= {key: value for key, value in more if key not in _OWN and key not in _THEIRS}
        if record.exc_info:
            line["exception"] = clean(self.formatException(record.exc_info))
        return json.dumps(line, default=str, separators=(",", ":"))


class TextLines(logging.Formatter):
    """A line for people; its further lines, of a traceback, are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        request_id = _request_id(record, now_about())
        # Line breaks in it would let who chose the text write lines of his own.
        message = clean(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n")
        if request_id and request_id not in message:
            message += f" [{request_id}]"
        when = _second(int(record.created))
        text = f"{when} {record.levelname.lower():7} {_name(record)}: {message}"
        if record.exc_info:
            text += "\n    " + clean(self.formatException(record.exc_info)).replace("\n", "\n    ")
        return text


@lru_cache(maxsize=2)
def _second(unix: int) -> str:
    return f"{datetime.fromtimestamp(unix).astimezone():%Y-%m-%d %H:%M:%S}"


def _name(record: logging.LogRecord) -> str:
    # Where uvicorn writes everything; it is no error.
    return "uvicorn" if record.name == "uvicorn.error" else record.name


def _request_id(record: logging.LogRecord, about: About | None) -> str | None:
    own = getattr(record, "request_id", None) or getattr(record, "operationUUID", None)
    return own or (about and about.request_id)


def clean(text: str) -> str:
    """Return a text without what would let its reader in: signatures in URLs, API keys."""
    if "=" in text:
        text = _SECRET.sub(r"\1…", text)
    return _KEY.sub(r"\1…", text) if "rt_" in text else text
