"""A folder of weights in diffusers' layout: what has to be in it, and what is wrong with it.

Nothing here loads torch: headers and lengths tell a lacking or a truncated file in milliseconds.
Whether the bytes are the right ones, only `verify` knows, which reads them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retake.engines.ltx.weights.catalogue import OPTIONAL_PARTS, PARTS
from retake.engines.ltx.weights.headers import fault_of

Family = Literal["2.0", "2.3", "2.5"]
INDEX = "model_index.json"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")


@dataclass(frozen=True)
class Fault:
    """One file that is not as it must be; `path` is relative to the folder."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True)
class Contents:
    """What a folder holds.

    Attributes:
        faults: What is wrong, in the order of the parts; none for a folder that can be used.
        family: Which generation; None where that cannot be told.
        distilled: Whether the scheduler is that of distilled weights.
        bytes: How much the files of the parts take.
        part_bytes: The same for each part.
    """

    faults: tuple[Fault, ...]
    family: Family | None
    distilled: bool
    part_bytes: dict[str, int]

    @property
    def bytes(self) -> int:
        """How much its parts take, in bytes."""
        return sum(self.part_bytes.values())


def look_into(folder: Path) -> Contents:
    """Return what a folder holds and lacks."""
    index = _json(folder / INDEX)
    if index is None:
        return Contents(
            (Fault(INDEX, "missing or unreadable"),), None, distilled=False, part_bytes={}
        )
    named = [part for part in PARTS if _is_named(index, part)]
    named += [part for part in OPTIONAL_PARTS if _is_there(folder, index, part)]
    faults = [Fault(INDEX, f"names no {part}") for part in PARTS if part not in named]
    for part in named:
        faults += _part_faults(folder, part)
    scheduler = _json(folder / "scheduler/scheduler_config.json") or {}
    return Contents(
        tuple(faults),
        _family(folder, index),
        distilled=scheduler.get("use_dynamic_shifting") is False,
        part_bytes={part: _size(folder / part) for part in named},
    )


def weight_files(folder: Path, part: str) -> tuple[str, ...]:
    """Return the files that hold a part's tensors, relative to the folder; () where it has none.

    Where there is an index, it alone counts: repositories hold the same weights several times.
    """
    for stem in ("diffusion_pytorch_model", "model"):
        index = _json(folder / part / f"{stem}.safetensors.index.json")
        if index is not None and isinstance(index.get("weight_map"), dict):
            return tuple(f"{part}/{name}" for name in sorted(set(index["weight_map"].values())))
        if (folder / part / f"{stem}.safetensors").exists():
            return (f"{part}/{stem}.safetensors",)
    return ()


def _part_faults(folder: Path, part: str) -> Iterator[Fault]:
    place = folder / part
    if part == "tokenizer":
        if not any((place / name).is_file() for name in _TOKENIZERS):
            yield Fault("tokenizer", f"holds none of {', '.join(_TOKENIZERS)}")
        return
    if part == "processor":
        return
    if part == "scheduler":
        if _json(place / "scheduler_config.json") is None:
            yield Fault("scheduler/scheduler_config.json", "missing or unreadable")
        return
    if _json(place / "config.json") is None:
        yield Fault(f"{part}/config.json", "missing or unreadable")
    files = weight_files(folder, part)
    if not files:
        yield Fault(part, "holds no weights (*.safetensors)")
    for name in files:
        fault = fault_of(folder / name)
        if fault is not None:
            yield Fault(name, fault)


def _family(folder: Path, index: dict[str, Any]) -> Family | None:
    config = _json(folder / "transformer/config.json")
    if config is None or config.get("_class_name") != "LTX2VideoTransformer3DModel":
        return None
    encoder = index.get("text_encoder")
    if config.get("use_prompt_embeddings", True):
        return "2.0"
    newest = isinstance(encoder, list) and str(encoder[-1]).startswith("Gemma4")
    return "2.5" if newest or config.get("use_prompt_adaln_single") is False else "2.3"


def _is_named(index: dict[str, Any], part: str) -> bool:
    named = index.get(part)
    return isinstance(named, list) and len(named) == 2 and named[1] is not None


def _is_there(folder: Path, index: dict[str, Any], part: str) -> bool:
    # They belong to pipelines of their own too, so that the index may not speak of them.
    return _is_named(index, part) or (folder / part / "config.json").is_file()


def _size(place: Path) -> int:
    if not place.is_dir():
        return 0
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def _json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
