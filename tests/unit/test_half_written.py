"""What is half written beside a file goes, whatever ended its writer."""

import os
import time

import pytest

from core.files import HALF, STALE_S, folder_beside, written_beside


def test_what_a_killed_writer_left_goes_with_the_next_one_and_what_is_being_written_stays(tmp_path):
    old, new = tmp_path / f"{HALF}old.vti", tmp_path / f"{HALF}new.vti"
    kept = [tmp_path / ".mine.vti", tmp_path / "half-done.vti", new]
    folders = [tmp_path / f"{HALF}parts", tmp_path / f"{HALF}busy"]
    for folder in folders:
        folder.mkdir()
        (folder / "0.npy").touch()
    for path in (old, *kept):
        path.touch()
    long_ago = time.time() - STALE_S - 10
    for path in (old, *kept[:2], *folders, folders[0] / "0.npy"):
        os.utime(path, (long_ago, long_ago))
    with written_beside(tmp_path / "f.vti") as temporary:
        temporary.write_text("whole")
        assert temporary.name.startswith(HALF)
    assert sorted(tmp_path.iterdir()) == sorted([*kept, folders[1], tmp_path / "f.vti"])


def test_a_folder_for_parts_is_gone_with_them(tmp_path):
    with pytest.raises(OSError, match="full"), folder_beside(tmp_path / "f.npz") as folder:
        (folder / "0.npy").touch()
        raise OSError("full")
    assert not list(tmp_path.iterdir())
