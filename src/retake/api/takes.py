"""The takes of a request, as clients read them: one video each, and what became of every one."""

from __future__ import annotations

from typing import Any

from retake.api.links import Links

_KEYS = {
    "video": "url",
    "thumbnail": "thumbnail_image_url",
    "sheet": "sheet_url",
    "section": "section_url",
    "audio": "audio_url",
    "report": "report_url",
}


def media_urls(done: dict[str, Any], links: Links) -> list[dict[str, Any]]:
    """Return the videos that were made, in the order in which they were asked for.

    The best one stands first where it was asked for.

    Args:
        done: A record's outcome, without its files where these were removed.
        links: Signs URLs.
    """
    takes = [take for take in done.get("takes", []) if "video" in take.get("files", {})]
    if takes:
        best = done.get("picked", {}).get("take")
        takes.sort(key=lambda take: take["take"] != best)
        return [
            {
                "id": str(number),
                "url": links.file(take["files"]["video"]),
                "take": take["take"],
                "seed": take["seed"],
            }
            for number, take in enumerate(takes)
        ]
    video = done.get("files", {}).get("video")
    return [] if video is None else [{"id": "0", "url": links.file(video)}]


def takes_json(done: dict[str, Any], links: Links) -> dict[str, Any]:
    """Return ``takes`` and the sheet that shows them, for a request that asked for several."""
    if "takes" not in done:
        return {}
    sheet = done.get("files", {}).get("takes")
    return {
        "picked": done.get("picked"),
        "takes": [_take(take, links) for take in done["takes"]],
        "takes_sheet_url": None if sheet is None else links.file(sheet),
    }


def section_urls(files: dict[str, str], links: Links) -> dict[str, Any]:
    """Return the URL of every section alone, in their order, where there are several."""
    roles = sorted((role for role in files if role.startswith("section_")), key=_number)
    if not roles:
        return {}
    return {
        "section_urls": [links.file(files[role]) for role in ("section", *roles) if role in files]
    }


def _number(role: str) -> int:
    return int(role.rpartition("_")[2])


def without_files(done: dict[str, Any]) -> dict[str, Any]:
    """Return an outcome whose files were removed."""
    kept = {key: value for key, value in done.items() if key != "files"}
    if "takes" in kept:
        kept["takes"] = [{**take, "files": {}} for take in kept["takes"]]
    return kept


def _take(take: dict[str, Any], links: Links) -> dict[str, Any]:
    files = take.get("files", {})
    return {
        **{key: value for key, value in take.items() if key != "files"},
        **{_KEYS[role]: links.file(name) for role, name in files.items() if role in _KEYS},
        **section_urls(files, links),
    }
