"""Fetching weights: only the parts that are used, checked as they come, whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from retake.core.errors import FetchFailed, StorageFailed
from retake.engines.ltx.weights import hub
from retake.engines.ltx.weights.catalogue import OPTIONAL_PARTS, PARTS, Model
from retake.engines.ltx.weights.digest import blob_id_of, sha256_of
from retake.engines.ltx.weights.folder import INDEX, look_into, weight_files
from retake.engines.ltx.weights.ledger import now, read_json, unwritable, write_json
from retake.engines.ltx.weights.library import RECORD, Held, Library, check_space, faulty

AT_ONCE = 4
"""Files that come at the same time."""
_SMALL = (".json", ".txt", ".model", ".jinja", ".md")


@dataclass(frozen=True)
class Pulling:
    """Who is told of a pull.

    Attributes:
        total: Told how many bytes are to come in all, once that is known.
        came: Told how many bytes came, or were there already.
    """

    total: Callable[[int], None]
    came: Callable[[int], None]


def licence_text(model: Model, repository: hub.Repository, aside: Path) -> str | None:
    """Return the licence's text as it lies beside the weights; None where there is none."""
    for path in ("LICENSE", "LICENSE.md", "LICENSE.txt"):
        if path in repository.files:
            where = hub.fetch(model, repository, path, aside)
            return where.read_text("utf-8", errors="replace")
    return None


def workplace(library: Library, model: Model) -> Path:
    """Return the folder that a model grows in before it takes its place."""
    return library.models_dir / ".pulling" / model.name


def pull(
    library: Library,
    model: Model,
    repository: hub.Repository,
    licence: dict[str, Any],
    told: Pulling,
) -> Held:
    """Fetch a model, or what is lacking of it, and put it in its place.

    What came is kept when it fails or is stopped: the next pull goes on there.

    Raises:
        FetchFailed: A file cannot be had, or came with other bytes than the hub promised.
        StorageFailed: The disk has no room, or another pull of this model is under way.
    """
    place, folder = workplace(library, model), library.models_dir / model.name
    with _alone(place):
        _use_what_is_there(folder, place, repository)
        for path in _small_files(repository):
            _fetch_one(model, repository, path, place)
        wanted = _wanted(repository, place)
        sizes = {path: repository.files[path].size for path in wanted}
        told.total(sum(sizes.values()))
        lacking = sum(size - _there(place, path, size) for path, size in sizes.items())
        lacking -= sum(part.stat().st_size for part in place.rglob("*.part"))
        check_space(library.models_dir, lacking, model.name)
        digests = _fetch_all(model, repository, wanted, place, told)
        record = {
            "repository": model.repository,
            "revision": repository.commit,
            "pulled_at": now(),
            "licence": licence,
            "files": {path: {"size": sizes[path], "sha256": digests[path]} for path in wanted},
        }
        write_json(place / RECORD, record)
        contents = look_into(place)
        if contents.faults:
            raise faulty(model.name, place, contents)
        _take_place(place, folder)
    return library.find(model.name)


def _small_files(repository: hub.Repository) -> list[str]:
    """Return what is needed to know which large files are: indices and configurations."""
    parts = {*PARTS, *OPTIONAL_PARTS}
    return [
        path
        for path in repository.files
        if path.endswith(_SMALL) and (path.split("/")[0] in parts or "/" not in path)
    ]


def _wanted(repository: hub.Repository, place: Path) -> list[str]:
    wanted = set(_small_files(repository))
    wanted |= {path for path in repository.files if path.startswith("LICENSE")}
    for part in (*PARTS, *OPTIONAL_PARTS):
        listed = weight_files(place, part)
        single = [f"{part}/{stem}.safetensors" for stem in ("diffusion_pytorch_model", "model")]
        wanted |= set(listed or [path for path in single if path in repository.files][:1])
    lacking = sorted(wanted - repository.files.keys())
    if lacking or INDEX not in wanted:
        raise FetchFailed(
            "weights_not_found",
            f"the repository lacks {', '.join(lacking[:3]) or INDEX}, which its own index names",
        )
    return sorted(wanted)


def _fetch_all(
    model: Model, repository: hub.Repository, wanted: list[str], place: Path, told: Pulling
) -> dict[str, str]:
    """Fetch all that is wanted, several at once, and return each file's SHA-256."""
    stop = Event()

    def came(count: int) -> None:
        if stop.is_set():
            raise hub.Stopped
        told.came(count)

    digests: dict[str, str] = {}
    with ThreadPoolExecutor(AT_ONCE) as crew:
        works = {crew.submit(_fetch_one, model, repository, p, place, came): p for p in wanted}
        try:
            for work in as_completed(works):
                digests[works[work]] = work.result()
        except BaseException:
            # The first failure is told; what is under way stops, what came of it is kept.
            stop.set()
            crew.shutdown(cancel_futures=True)
            raise
    return digests


def _fetch_one(
    model: Model,
    repository: hub.Repository,
    path: str,
    place: Path,
    came: Callable[[int], None] | None = None,
) -> str:
    """Fetch one file, hold it against the hub's checksum and return its SHA-256."""
    promised = repository.files[path]
    counted = 0

    def count(more: int) -> None:
        nonlocal counted
        more = max(0, min(more, promised.size - counted))
        counted += more
        if came is not None:
            came(more)

    was_there = (place / path).exists()
    where = hub.fetch(model, repository, path, place, count)
    digest = sha256_of(where)
    if was_there and not _is_right(where, digest, promised):
        where.unlink()
        where = hub.fetch(model, repository, path, place, count)
        digest = sha256_of(where)
    if not _is_right(where, digest, promised):
        # Kept, it would be taken for the right one by the next pull.
        where.unlink()
        raise FetchFailed(
            "weights_checksum",
            f"{path} of {model.repository} came with other bytes than the hub promised; it was "
            f"thrown away, `retake models pull {model.name}` fetches it again",
            retryable=True,
        )
    count(promised.size - counted)
    return digest


def _is_right(file: Path, digest: str, promised: hub.RemoteFile) -> bool:
    if promised.sha256 is not None:
        return digest == promised.sha256
    return blob_id_of(file) == promised.blob_id


def _use_what_is_there(folder: Path, place: Path, repository: hub.Repository) -> None:
    """Take over from the model in place the files that are the same in the repository."""
    files = read_json(folder / RECORD).get("files")
    for path, known in files.items() if isinstance(files, dict) else ():
        remote, old, new = repository.files.get(path), folder / path, place / path
        if remote is None or not remote.sha256 or new.exists() or not old.is_file():
            continue
        if known.get("sha256") == remote.sha256 and old.stat().st_size == remote.size:
            new.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(old, new)
            except OSError:
                continue


def _there(place: Path, path: str, size: int) -> int:
    file = place / path
    return min(file.stat().st_size, size) if file.exists() else 0


def _take_place(place: Path, folder: Path) -> None:
    shutil.rmtree(place / ".cache", ignore_errors=True)
    old = place.with_name(f"{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    place.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _alone(place: Path) -> Generator[None]:
    """Hold the place against other pulls of the same model."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = place.with_name(f"{place.name}.lock").open("w")
    except OSError as error:
        raise unwritable(place.parent, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageFailed(
                "pull_under_way", f"another pull of {place.name} is under way; wait for it"
            ) from error
        yield
