"""One server to a data folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from retake.core.errors import StorageFailed
from retake.queue.data_dir import DataDir


def test_a_locked_folder_is_refused_and_free_again_afterwards(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data"):
        with pytest.raises(StorageFailed) as caught, DataDir(tmp_path / "data"):
            pass
        assert (caught.value.code, caught.value.param) == ("data_dir_locked", "data_dir")
    with DataDir(tmp_path / "data"):
        pass


_SERVER = """
import subprocess, sys, pathlib, os, signal
from retake.queue.data_dir import DataDir
with DataDir(pathlib.Path(sys.argv[1])):
    subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()"], close_fds=False)
    signal.pause()
"""


def test_a_process_that_a_killed_server_had_started_does_not_keep_the_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(tmp_path / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        with pytest.raises(StorageFailed), DataDir(tmp_path / "data"):
            pass
        server.kill()
        server.wait()
        with DataDir(tmp_path / "data"):
            pass


def test_the_folder_is_its_owners_only(tmp_path: Path) -> None:
    assert DataDir(tmp_path / "new" / "data").path.stat().st_mode & 0o077 == 0


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StorageFailed) as caught:
        DataDir(tmp_path / "data")
    assert caught.value.code == "data_dir_unusable"
