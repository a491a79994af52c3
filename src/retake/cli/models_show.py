"""What `retake models list` shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from retake.engines.ltx.weights.catalogue import Model
    from retake.engines.ltx.weights.library import Held, Library


def listing(library: Library) -> list[dict[str, Any]]:
    """Return what can be pulled and what is here, as JSON-ready values."""
    from retake.engines.ltx.weights.catalogue import CATALOGUE

    held = {one.name: one for one in library.held()}
    rows = [_catalogued(model, held.pop(model.name, None)) for model in CATALOGUE]
    return rows + [{"here": True, "note": "", **held_json(one)} for one in held.values()]


def _catalogued(model: Model, held: Held | None) -> dict[str, Any]:
    return {
        "name": model.name,
        "here": held is not None,
        "repository": model.repository,
        "family": model.family,
        "preset": model.preset,
        "licence": {"name": model.licence.name, "text_url": model.licence.text_url},
        "gated": model.gated,
        "about_gb": model.about_gb,
        "note": model.note,
        **({} if held is None else held_json(held)),
    }


def held_json(held: Held) -> dict[str, Any]:
    """Return what is known of weights that are here."""
    return {
        "name": held.name,
        "folder": str(held.folder),
        "ready": held.ready,
        "faults": [str(fault) for fault in held.contents.faults],
        "family": held.contents.family,
        "preset": "fast" if _distilled(held) else "quality",
        "bytes": held.contents.bytes,
        "revision": held.record.get("revision"),
        "pulled_at": held.record.get("pulled_at"),
        "added": held.added,
    }


def _distilled(held: Held) -> bool:
    from retake.engines.ltx.readiness import is_distilled

    known = is_distilled(held)
    return held.contents.distilled if known is None else known


def table(rows: list[dict[str, Any]], loras: tuple[str, ...], models_dir: Path) -> None:
    """Show the listing to people."""
    console = Console(highlight=False)
    shown = Table("weights", "state", "size", "for", "", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        gated = " Gated." if row.get("gated") else ""
        note = f"{row['note']}{gated}" or str(row.get("folder"))
        shown.add_row(row["name"], _state(row), _size(row), row.get("preset") or "", note)
    console.print(shown)
    if loras:
        console.print(f"\nLoRAs: {', '.join(loras)}")
    console.print(f"\nThey lie in {models_dir} (RETAKE_MODELS_DIR). docs/models.md says more.")


def _state(row: dict[str, Any]) -> str:
    if not row["here"]:
        return "can be pulled"
    if row["faults"]:
        return f"damaged: {row['faults'][0]}"
    return "added" if row["added"] else "ready"


def _size(row: dict[str, Any]) -> str:
    if row["here"]:
        size = row["bytes"] / 1e9
        return f"{size:.1f} GB" if size >= 0.1 else f"{size * 1000:.0f} MB"
    return "" if row["about_gb"] is None else f"about {row['about_gb']} GB"
