"""The hub, through huggingface_hub: what a repository holds, and one file of it.

The client's own settings hold: HF_TOKEN or a stored log-in, HF_ENDPOINT (a mirror), HF_HUB_OFFLINE,
proxies. It is imported in this file and in `refusals` alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from retake.core.errors import EngineFailed
from retake.engines.ltx.weights.catalogue import Model
from retake.engines.ltx.weights.refusals import told

_LARGEST_PLAIN = 50 * 10**9
"""What is larger comes through the client alone: the hub sends it by no plain request."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository; large ones have a SHA-256, others git's SHA-1 of their blob."""

    path: str
    size: int
    sha256: str | None
    blob_id: str


@dataclass(frozen=True)
class Repository:
    """What a repository holds at one commit."""

    commit: str
    files: dict[str, RemoteFile]


class Stopped(Exception):
    """Raised within a download when the others have failed or somebody pressed Ctrl-C."""


def look_up(model: Model, revision: str | None = None) -> Repository:
    """Return what the model's repository holds now.

    Raises:
        FetchFailed: The hub cannot be reached or does not let in.
        EngineFailed: huggingface_hub is not installed (``ltx_not_installed``).
    """
    api = _library().HfApi(endpoint=_endpoint(), library_name="retake")
    from huggingface_hub import RepoFile

    try:
        info = api.repo_info(model.repository, revision=revision, timeout=30)
        listed = api.list_repo_tree(model.repository, revision=info.sha, recursive=True)
        files = {
            one.path: RemoteFile(
                one.path, one.size, None if one.lfs is None else one.lfs.sha256, one.blob_id
            )
            for one in listed
            if isinstance(one, RepoFile)
        }
    except Exception as error:
        raise told(error, model) from error
    return Repository(str(info.sha), files)


def fetch(
    model: Model,
    repository: Repository,
    path: str,
    into: Path,
    came: Callable[[int], None] | None = None,
) -> Path:
    """Bring one file below `into` and return its place there; one that is there stays.

    Args:
        model: Whose file.
        repository: As it was looked up; its commit is the one that is fetched.
        path: The file's place there, and below `into`.
        into: The model's folder.
        came: Told how many bytes came, as they come.

    Raises:
        FetchFailed: It cannot be had.
    """
    client, file = _library(), repository.files[path]
    bar = _counter(came) if came is not None else None
    try:
        if file.sha256 is not None and file.size < _LARGEST_PLAIN:
            return _fetch_large(model, repository.commit, file, into, bar)
        return Path(
            client.hf_hub_download(
                model.repository,
                path,
                revision=repository.commit,
                local_dir=into,
                tqdm_class=bar,
                endpoint=_endpoint(),
            )
        )
    except Stopped:
        raise
    except Exception as error:
        raise told(error, model) from error


def _fetch_large(model: Model, commit: str, file: RemoteFile, into: Path, bar: type | None) -> Path:
    """Fetch a file into one that is kept when the process ends, and go on in it.

    The client's own download begins again in a new process (huggingface_hub 2.4, file_download.py,
    "process-unique temporary file"); until it does not, its public pieces are put together here.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    place = into / file.path
    if place.exists() and place.stat().st_size == file.size:
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    cached = try_to_load_from_cache(model.repository, file.path, revision=commit)
    if isinstance(cached, str):
        shutil.copyfile(cached, place)
        return place
    part = into / ".cache" / f"{file.sha256}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    url = hf_hub_url(model.repository, file.path, revision=commit, endpoint=_endpoint())
    found = get_hf_file_metadata(url, endpoint=_endpoint(), retry_on_errors=True)
    headers = build_hf_headers(library_name="retake")
    if urlsplit(found.location).netloc != urlsplit(url).netloc:
        # A signed URL of a store: the token is none of its business.
        headers.pop("authorization", None)
    with part.open("ab") as growing:
        http_get(
            found.location,
            growing,
            resume_size=growing.tell(),
            headers=headers,
            expected_size=file.size,
            tqdm_class=bar,
        )
    part.replace(place)
    return place


def _endpoint() -> str | None:
    """Return the mirror that HF_ENDPOINT names; the client reads that only when it is loaded."""
    return os.environ.get("HF_ENDPOINT")


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise not_installed(error) from error
    return huggingface_hub


def not_installed(error: ImportError) -> EngineFailed:
    """Return the error for a library of the extra `ltx` that is not there."""
    return EngineFailed(
        "ltx_not_installed",
        f"the engine ltx needs {error.name}; `pip install 'openretake[ltx]'` installs it, "
        "`make setup-ltx` does in a checkout",
    )


def _counter(came: Callable[[int], None]) -> type:
    """Return a progress bar that shows nothing and tells what came."""
    from huggingface_hub.utils import tqdm

    class Counter(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs["disable"] = True
            super().__init__(*args, **kwargs)

        def update(self, n: float | None = 1) -> None:
            came(int(n or 0))

    return Counter
