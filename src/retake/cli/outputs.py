"""The files that `retake edit` writes: checked before any work, each whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from retake.core.containers import CONTAINERS, ENDINGS
from retake.core.errors import BadRequest, StorageFailed

_OPTIONS = {
    "video": "out",
    "takes": "sheet",
    "picked": "out",
    "thumbnail": "poster",
    "section": "section_only",
    "audio": "audio_only",
}
"""The options that name where a role goes, where they are called otherwise."""
_ENDING_TOLD_LATER = {
    "section": (".mp4", ".mov", ".mkv", ".webm"),
    "audio": (".m4a", ".ogg", ".mp3", ".flac", ".wav", ".mka"),
}
"""Roles whose kind of file is known once they are made, and what it can be."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the results of one edit go: the Shelf of the command line.

    Attributes:
        video: The new video.
        sheet: A contact sheet, or None.
        report: The report as JSON, or None.
        force: Whether files that exist are replaced.
        takes: How many takes there are: where there are several, each one's files have its number
            before their ending, and the sheet under its own name shows all of them.
        poster: A picture of the section, or None.
        section: The section alone, or None; its ending becomes that of what it is. Of several
            sections the later ones have their number behind the name.
        audio: The sound alone, or None; likewise.
        best: Whether the best one of several takes goes under the video's own name, too.
    """

    video: Path
    sheet: Path | None
    report: Path | None
    force: bool
    takes: int = 1
    poster: Path | None = None
    section: Path | None = None
    audio: Path | None = None
    best: bool = False

    def check(self, source: str) -> None:
        """Refuse what cannot end well, before any work is done.

        Raises:
            BadRequest: An output exists, is the source, has no folder or an unknown ending.
        """
        if self.video.suffix.lower() not in ENDINGS:
            found = self.video.suffix or "no ending"
            raise BadRequest(
                "unknown_container",
                f"the output {self.video.name!r} has {found!r}; accepted are " + ", ".join(ENDINGS),
                param="out",
            )
        if self.section and self.section.with_suffix("") == self.video.with_suffix(""):
            raise BadRequest(
                "output_exists",
                f"the section alone would be called like the video, {self.video.name!r}; another "
                "name is accepted",
                param="section_only",
            )
        for outputs in self._each():
            for role, path in outputs._targets().items():
                self._check_target(role, path, source)

    def take(self, number: int) -> Outputs:
        """Return where the files of one of several takes go: ``out.mp4`` becomes ``out.2.mp4``."""

        def numbered(path: Path) -> Path:
            return path.with_name(f"{path.stem}.{number}{path.suffix}")

        return replace(
            self,
            video=numbered(self.video),
            sheet=self.sheet and numbered(self.sheet),
            report=self.report and numbered(self.report),
            poster=self.poster and numbered(self.poster),
            section=self.section and numbered(self.section),
            audio=self.audio and numbered(self.audio),
            takes=1,
        )

    def _each(self) -> list[Outputs]:
        """Return the outputs of the whole, and of every take where there are several."""
        several = range(1, self.takes + 1) if self.takes > 1 else ()
        return [self, *map(self.take, several)]

    def _targets(self) -> dict[str, Path]:
        if self.takes > 1:
            whole = {"takes": self.sheet, "picked": self.video if self.best else None}
            return {role: path for role, path in whole.items() if path is not None}
        named = {
            "video": self.video,
            "sheet": self.sheet,
            "report": self.report,
            "thumbnail": self.poster,
            "section": self.section,
            "audio": self.audio,
        }
        return {role: path for role, path in named.items() if path is not None}

    def _check_target(self, role: str, path: Path, source: str) -> None:
        param = _OPTIONS.get(role, role)
        if not path.parent.is_dir():
            raise BadRequest(
                "no_such_folder",
                f"{str(path)!r} lies in a folder that does not exist; make it first",
                param=param,
            )
        for each in _may_become(role, path):
            self._check_place(param, each, source)

    def _check_place(self, param: str, path: Path, source: str) -> None:
        if not path.exists():
            return
        if path.is_dir():
            raise BadRequest(
                "is_directory", f"{str(path)!r} is a folder; a file name is accepted", param=param
            )
        if Path(source).exists() and path.samefile(source):
            raise BadRequest(
                "output_is_source",
                f"{str(path)!r} is the source itself; another name is accepted",
                param=param,
            )
        if not self.force:
            raise BadRequest(
                "output_exists", f"{str(path)!r} exists; --force replaces it", param=param
            )

    def wanted(self) -> frozenset[str]:
        """Return the roles that have a place to go."""
        return frozenset(self._targets())

    def put(self, role: str, file: Path) -> str:
        """Move `file` to its place, whole or not at all.

        Raises:
            StorageFailed: It could not be written.
        """
        target = self._target(role, file.suffix)
        try:
            self._reveal(file, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise write_error(error, target) from error
            self._copy(file, target)
        return str(target)

    def keep(self, take: Path, work: Path) -> str:
        """Put one of several takes under the video's own name, too; return it.

        Args:
            take: Where it lies.
            work: A folder for what is on its way, on the same disk.

        Raises:
            StorageFailed: It could not be written.
        """
        copy = work / f"picked{take.suffix}"
        try:
            shutil.copy2(take, copy)
        except OSError as error:
            raise write_error(error, self.video) from error
        return self.put("picked", copy)

    def _target(self, role: str, ending: str) -> Path:
        which, _, number = role.partition("_")
        target = self._targets()[which]
        if which not in _ENDING_TOLD_LATER:
            return target
        name = f"{target.stem}-{number}" if number else target.stem
        return target.with_name(f"{name}{ending}")

    def _reveal(self, file: Path, target: Path) -> None:
        if self.force:
            file.replace(target)
        else:
            # A link is made only where nothing stands: nobody's file is overwritten, not even one
            # that appeared while we worked.
            os.link(file, target)

    def _copy(self, file: Path, target: Path) -> None:
        """Bring `file` to another file system under a hidden name, then reveal it there."""
        try:
            with tempfile.TemporaryDirectory(prefix=".retake-", dir=target.parent) as hidden:
                self._reveal(Path(shutil.copy2(file, hidden)), target)
        except OSError as error:
            raise write_error(error, target) from error


def _may_become(role: str, path: Path) -> list[Path]:
    """Return the files that one is in the way of, whose ending or number is not known yet."""
    if role not in _ENDING_TOLD_LATER:
        return [path]
    stems = re.compile(rf"{re.escape(path.stem)}(-\d+)?")
    beside = sorted(path.parent.iterdir())
    endings = _ENDING_TOLD_LATER[role]
    return [each for each in beside if each.suffix in endings and stems.fullmatch(each.stem)]


def container_for(asked: str | None, out: Path) -> str | None:
    """Return the container that the output is to be: the one asked for, or by its name's ending.

    Raises:
        BadRequest: The two contradict each other.
    """
    named = ENDINGS.get(out.suffix.lower())
    if asked is None or named is None or asked.strip().lower() == named:
        return asked or named
    if asked.strip().lower() not in CONTAINERS:
        return asked  # check_payload tells what is wrong with it
    raise BadRequest(
        "container_and_ending",
        f"--container is {asked}, but the output {out.name!r} ends in {out.suffix}; accepted is "
        f"{CONTAINERS[asked.strip().lower()].ending}, or no --container",
        param="container",
    )


def write_error(error: OSError, target: Path) -> StorageFailed:
    """Return what a failed write of `target` means to the user."""
    if isinstance(error, FileExistsError):
        return StorageFailed("output_exists", f"{str(target)!r} exists; --force replaces it")
    code = "disk_full" if error.errno == errno.ENOSPC else "not_writable"
    return StorageFailed(
        code, f"{str(target)!r} could not be written: {error.strerror}", retryable=True
    )
