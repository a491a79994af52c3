"""What the first bytes of a safetensors file tell, read without loading a tensor.

The format: eight bytes of length, little-endian; so many bytes of JSON, which give each tensor's
type, shape and place; then the tensors, without gaps (huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

LONGEST_HEADER = 100_000_000
"""The format's own limit, in bytes."""


@dataclass(frozen=True)
class Header:
    """What a safetensors file says of itself.

    Attributes:
        shapes: Of each tensor, by name.
        metadata: The file's own words, such as which network it belongs to.
        size: How long the file must be, in bytes.
    """

    shapes: dict[str, tuple[int, ...]]
    metadata: dict[str, str]
    size: int


def read_header(path: Path) -> Header:
    """Return a file's header.

    Raises:
        ValueError: It is no safetensors file; the message says what was found.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        first = file.read(8)
        if len(first) < 8:
            raise ValueError(f"{len(first)} bytes long")
        length = struct.unpack("<Q", first)[0]
        if not 2 <= length <= LONGEST_HEADER:
            raise ValueError("not a safetensors file")
        text = file.read(length)
    if len(text) < length:
        raise ValueError(f"cut off within its first {length + 8} bytes")
    try:
        told = json.loads(text)
        metadata = told.pop("__metadata__", {})
        shapes = {name: tuple(map(int, one["shape"])) for name, one in told.items()}
        end = max((int(one["data_offsets"][1]) for one in told.values()), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError("its table of tensors cannot be read") from error
    return Header(shapes, {str(k): str(v) for k, v in metadata.items()}, 8 + length + end)


def fault_of(path: Path) -> str | None:
    """Return what is wrong with a safetensors file, as far as its header and length tell."""
    try:
        header = read_header(path)
        size = path.stat().st_size
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except ValueError as error:
        return str(error)
    if size == header.size:
        return None
    kind = "cut off" if size < header.size else "too long"
    return f"{kind}: {size} of {header.size} bytes"
