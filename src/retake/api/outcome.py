"""What came of a request, as clients read it: the hosted API's keys, then one URL for each file."""

from __future__ import annotations

from typing import Any

from retake.api.links import Links
from retake.api.takes import media_urls, section_urls, takes_json, without_files
from retake.queue.record import Record

_KEYS = {
    "thumbnail": "thumbnail_image_url",
    "sheet": "sheet_url",
    "section": "section_url",
    "audio": "audio_url",
    "report": "report_url",
}
"""The keys of files beside the video, by their role."""


def success_json(record: Record, links: Links) -> dict[str, Any]:
    """Return the outcome of a request that has ended well; its files' URLs are signed anew.

    ``media_urls`` holds videos only, since clients play or save all that it names. Where the files
    were removed there are no URLs, and ``files_removed_at`` says since when.
    """
    done = record.outcome or {}
    if record.files_removed_at:
        done = without_files(done)
    names: dict[str, str] = done.get("files", {})
    urls = {role: links.file(name) for role, name in names.items()}
    video = urls.get("video")
    keep_s = links.parts.keep_results_s
    until = None if keep_s is None or not urls else (record.finished_at or 0) + keep_s
    return {
        "media_urls": media_urls(done, links),
        "video_url": video,
        **{key: urls.get(role) for role, key in _KEYS.items()},
        # A URL is worth nothing once its file is gone.
        "expires_at": min(links.expires_at, until or links.expires_at) if urls else None,
        "files_expire_at": until,
        "files_removed_at": record.files_removed_at,
        **section_urls(names, links),
        **takes_json(done, links),
        "delivered": done.get("delivered", []),
    }
