"""The settings file: edited by hand while it is read, half written, gone, or something that is no settings at all."""

import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple

import pytest

from core import jobs
from core.errors import LabError
from core.home import SOURCE, home
from core.jobs import actions, troubles
from core.settings import LARGEST, SETTLED_S, Disk, Settings, in_force, save, settings

FOUR = "slots: {cpu: 4}\n"


@pytest.fixture
def file(lab_home):
    lab_home.mkdir(exist_ok=True)
    return lab_home / "settings.yaml"


def by_hand(file, text, age=2 * SETTLED_S):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    then = time.time() - age
    os.utime(file, (then, then))


WRONG = {
    "no YAML": ("slots: [", "line 2"),
    "a tab": ("slots:\n\tcpu: 3\n", "line 2"),
    "a word": ("hello", "a mapping of fields, not a text"),
    "a list": ("- slots\n", "a mapping of fields, not a list"),
    "a wrong type": ("slots: {cpu: true}", "slots.cpu: True is not allowed"),
    "half a number": ("slots: {cpu: 1.5}", "slots.cpu: 1.5"),
    "no such field": ("slotz: {cpu: 3}", "there is no such field"),
    "said twice": ("slots: {cpu: 3}\nslots: {cpu: 4}\n", "stands twice"),
    "two documents": ("slots: {cpu: 3}\n---\nslots: {cpu: 4}\n", "second document"),
    "an object": ("slots: !!python/object/apply:os.system [ls]\n", "not read"),
    "not finite": ("disk: {least_free_mb: .inf}", ".inf is no number"),
    "no UTF-8": ("time_zone: Zürich".encode("latin-1"), "no UTF-8 text"),
    "UTF-16": (FOUR.encode("utf-16"), "no UTF-8 text"),
    "binary": (b"\x00\x01\x02", "U+0000"),
    "huge": (b"# " + b"x" * LARGEST, "more than 200 kB"),
    "no zone": ("time_zone: Mars/Olympus", "is no time zone"),
}


@pytest.mark.parametrize("text, words", WRONG.values(), ids=WRONG)
def test_what_does_not_validate_leaves_the_last_valid_settings_in_force(file, text, words):
    by_hand(file, FOUR)
    assert settings().slots.cpu == 4
    by_hand(file, text)
    found = in_force()
    assert found.settings.slots.cpu == 4
    assert "the last valid settings stay in force" in found.fault and words in found.fault
    assert "\n" not in found.fault and len(found.fault) < 700
    assert troubles()[0] == found.fault


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf" + FOUR.encode(), FOUR.replace("\n", "\r\n"), '{"slots": {"cpu": 4}}'])
def test_what_editors_make_of_a_file_is_read(file, text):
    by_hand(file, text)
    assert in_force() == in_force() and settings().slots.cpu == 4 and not in_force().fault


def test_a_file_that_an_editor_has_emptied_to_write_it_anew_changes_nothing(file):
    by_hand(file, FOUR)
    assert settings().slots.cpu == 4
    for half in ("", "slots:\n", "slots: {}\n"):
        file.write_text(half)
        assert settings().slots.cpu == 4
    file.write_text("slots: {cpu: 6")  # and the last valid ones are still those before
    assert settings().slots.cpu == 4 and in_force().fault
    by_hand(file, "slots: {cpu: 6}")
    assert settings().slots.cpu == 6


def test_an_edit_counts_once_it_has_stood_for_a_moment(file):
    by_hand(file, FOUR)
    assert settings().slots.cpu == 4
    by_hand(file, "slots: {cpu: 2}", age=-86_400)  # the clock was set back since
    assert settings().slots.cpu == 2
    by_hand(file, "", age=2 * SETTLED_S)
    assert settings() == Settings() and not in_force().fault


def test_a_file_that_is_gone_changes_nothing_until_what_was_kept_is_gone_too(file):
    save(Settings(slots={"cpu": 4}))
    assert settings().slots.cpu == 4
    file.unlink()
    found = in_force()
    assert found.settings.slots.cpu == 4 and "is gone" in found.fault and str(home().kept_settings) in found.fault
    assert troubles()[0] == found.fault and len(jobs.capacity()) == 4
    home().kept_settings.unlink()
    assert in_force().settings == Settings() and not in_force().fault and troubles() == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a pipe", "a folder"])
def test_what_is_no_file_is_said_and_waits_for_nobody(file, make):
    make(file)
    assert "it is no file" in in_force().fault and settings() == Settings()


def test_a_disk_that_is_full_keeps_nobody_from_the_settings(file, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    by_hand(file, FOUR)
    monkeypatch.setattr("core.settings.write_whole", full)
    assert settings().slots.cpu == 4
    with pytest.raises(LabError, match="could not be saved"):
        save(Settings())
    assert settings().slots.cpu == 4


def test_a_run_is_taken_in_by_what_the_settings_say_of_the_disk(file, monkeypatch):
    assert Disk().least_free_mb == actions.LEAST_FREE_MB
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 2**40 - 2**30, 2**30))
    actions.check_disk()
    by_hand(file, "disk: {least_free_mb: 5000}")
    with pytest.raises(LabError, match=r"Only 1024 MB are free .* while 5000 MB are"):
        actions.check_disk()


def test_a_worker_that_reads_settings_imports_no_catalogue(file):
    by_hand(file, FOUR)
    source = (
        "import sys, core.jobs.worker\nfrom core.jobs.engines.local import LocalEngine\n"
        "assert len(LocalEngine().capacity()) == 4\n"
        "print([name for name in ('numpy', 'core.problems', 'core.config') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", source], cwd=SOURCE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
