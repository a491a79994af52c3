"""One file out of a ``multipart/form-data`` body (RFC 7578), as it comes and never held whole."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from email.message import Message

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from retake.core.errors import BadRequest

_MAX_FIELD = 1024
_MAX_PARTS = 16
_BOUNDARY = re.compile(r"[ -~]{1,70}", re.ASCII)


@dataclass
class _Part:
    headers: dict[str, str] = field(default_factory=dict[str, str])
    header_name: bytes = b""
    header_value: bytes = b""
    name: str = ""
    is_file: bool = False


@dataclass
class Form:
    """What a form's body told so far.

    Attributes:
        file_name: What the sender calls the file; None before its part has begun, empty where it
            has no name.
        file_kind: The content type of its part.
        fields: The other fields.
    """

    file_name: str | None = None
    file_kind: str = ""
    fields: dict[str, str] = field(default_factory=dict[str, str])


class OneFile:
    """Reads a form that holds one file, and maybe a few short fields.

    Args:
        content_type: The body's.

    Attributes:
        form: What was told so far.

    Raises:
        BadRequest: `content_type` names no boundary (``bad_form``).
    """

    def __init__(self, content_type: str) -> None:
        message = Message()
        message["Content-Type"] = content_type
        boundary = message.get_param("boundary") or ""
        if not isinstance(boundary, str) or _BOUNDARY.fullmatch(boundary) is None:
            raise _bad_form("it names no boundary")
        self.form = Form()
        self._part = _Part()
        self._parts = 0
        self._whole = False
        self._out = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_begin": self._begin_header,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    async def file_of(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield the file's bytes.

        Raises:
            BadRequest: The body is no such form (``bad_form``).
        """
        async for chunk in chunks:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise _bad_form(str(error)[:100]) from None
            if self._out:
                yield bytes(self._out)
                self._out.clear()
        if not self._whole:
            raise _bad_form("it ends before its last boundary")
        if self.form.file_name is None:
            raise _bad_form("it holds no file")

    def _begin(self) -> None:
        self._part = _Part()
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise _bad_form(f"it has more than {_MAX_PARTS} parts")

    def _begin_header(self) -> None:
        self._part.header_name = self._part.header_value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _end_header(self) -> None:
        name = self._part.header_name.decode("latin-1").lower()
        self._part.headers[name] = self._part.header_value.decode("utf-8", "replace")

    def _end_headers(self) -> None:
        part = self._part
        told = Message()
        told["Content-Disposition"] = part.headers.get("content-disposition", "")
        name = told.get_param("name", "", "content-disposition")
        part.name = name if isinstance(name, str) else ""
        file_name = told.get_filename()
        part.is_file = file_name is not None or part.name == "file"
        if not part.is_file:
            self.form.fields[part.name[:64]] = ""
        elif self.form.file_name is not None:
            raise _bad_form("it holds more than one file")
        else:
            self.form.file_name = file_name or ""
            self.form.file_kind = part.headers.get("content-type", "")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_file:
            self._out += data[start:end]
            return
        name = self._part.name[:64]
        self.form.fields[name] += data[start:end].decode("utf-8", "replace")
        if len(self.form.fields[name]) > _MAX_FIELD:
            raise _bad_form(f"its field {name!r} has more than {_MAX_FIELD} characters")

    def _end(self) -> None:
        self._whole = True


def _bad_form(found: str) -> BadRequest:
    return BadRequest(
        "bad_form",
        f"the form cannot be read: {found}; accepted is multipart/form-data with one file",
    )
