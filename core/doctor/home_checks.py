"""The lab home, its disk and settings, and the machine's clock."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import available_timezones

from core.doctor.finding import Finding
from core.errors import LabError
from core.home import Home, home
from core.jobs.database import network_disk
from core.resources import size_text
from core.runs.folder import HISTORY, all_folders
from core.settings import in_force, settings

NEARLY = 5
"""So many times what a run needs must be free, or the disk is nearly full."""
FUTURE_S = 60.0
"""A file that is so much younger than now was written by another clock."""
NEWEST = 50
"""Runs whose files' times are looked at."""


def home_finding() -> Finding:
    """Whether the lab home can be written: a file is made in it, since modes alone don't say so."""
    lab = home()
    try:
        lab.ensure()
        with tempfile.TemporaryFile(dir=lab.root) as file:
            file.write(b" " * 4096)
            file.flush()
    except (LabError, OSError) as error:
        why = str(error) if isinstance(error, LabError) else f"{lab.root} can't be written: {error.strerror}."
        return Finding("lab home", False, why, _writable_again(lab))
    free = shutil.disk_usage(lab.root).free
    return Finding("lab home", True, f"{lab.root}, {size_text(free)} free")


def _writable_again(lab: Home) -> str:
    place = next(path for path in (lab.root, *lab.root.parents) if path.exists())
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return (
            f"The disk of {place} is mounted read-only, often because of a fault: look at `dmesg`, then, as root, "
            f"`mount -o remount,rw $(findmnt -no TARGET -T '{place}')`. Paused runs go on after that."
        )
    if not os.access(place, os.W_OK):
        return f"`sudo chown -R $USER '{place}'` makes it yours; or set LAB_HOME to a folder that you can write."
    return "Free some space on its disk: `du -xh / | sort -h | tail` names what is largest."


def privacy() -> Finding:
    """Whether others of this machine may look into the home."""
    lab = home()
    opened = lab.open_to_others()
    remedy = f"`chmod 700 '{lab.root}'` closes it." if opened else ""
    return Finding("home's privacy", True, opened or "open to its owner alone", remedy)


def disk() -> Finding:
    """Whether there is room for another run."""
    root, least = home().root, settings().disk.least_free_mb * 2**20
    usage = shutil.disk_usage(root)
    detail = f"{size_text(usage.free)} of {size_text(usage.total)} free"
    remedy = "`python -m core clean` lists what can go, with sizes; nothing is deleted until you say so."
    if usage.free < least:
        return Finding("disk", False, f"{detail}; a run is taken in only while {size_text(least)} are", remedy)
    if usage.free < NEARLY * least:
        return Finding("disk", False, f"nearly full: {detail}, and a run needs {size_text(least)}", remedy)
    return Finding("disk", True, detail)


def local_disk() -> Finding:
    """Whether file locks can be trusted where the home is."""
    root = home().root
    if (kind := network_disk(root)) is None:
        return Finding("kind of disk", True, "local")
    return Finding(
        "kind of disk",
        False,
        f"{root} is on a network disk ({kind}), where locks can't be trusted: two machines may take the same run",
        "Let runs end, then `cp -a` the folder to a local disk and set LAB_HOME to the copy.",
    )


def clock() -> Finding:
    """Whether files are from the future: the clock was set back, or is wrong."""
    now, ahead = time.time(), []
    for path in _dated():
        try:
            late = path.stat().st_mtime - now
        except OSError:
            continue
        if late > FUTURE_S:
            ahead.append((late, path))
    if not ahead:
        return Finding("clock", True, "no file is younger than now")
    late, path = max(ahead)
    ahead_by = f"{late / 3600:.1f} h" if late > 5400 else f"{late / 60:.0f} min"
    return Finding(
        "clock",
        False,
        f"{len(ahead)} files are from the future, {path.relative_to(home().root)} by {ahead_by}: the clock was set "
        "back, or is wrong now",
        "`timedatectl` says whether it is synchronised, `sudo timedatectl set-ntp true` has it set. Runs, their order "
        "and their curves do not depend on it; ages and delays are wrong until then.",
    )


def _dated() -> Iterator[Path]:
    lab = home()
    yield from (lab.jobs_db, lab.mlflow_db, lab.settings_file)
    folders = sorted(all_folders(), key=lambda folder: _changed(folder.path), reverse=True)
    for folder in folders[:NEWEST]:
        yield from (folder.file("heartbeat"), folder.file("job.json"), folder.file(HISTORY))


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def time_zone() -> Finding:
    """In which zone times are written."""
    here = time.strftime("%Z, UTC%z")
    if not available_timezones():
        return Finding(
            "time zone",
            False,
            "this Python knows no time zones, so all times are shown in UTC",
            f"`{_python()} -m pip install tzdata`",
        )
    return Finding("time zone", True, f"{settings().time_zone or 'UTC'} in logs and messages; the machine's is {here}")


def _python() -> str:
    import sys

    return sys.executable


def settings_finding() -> Finding:
    """Whether the settings file is in force."""
    found, lab = in_force(), home()
    if not found.fault:
        where = lab.settings_file.name if lab.settings_file.exists() else "the defaults"
        return Finding("settings", True, f"{where} in force")
    kept = lab.kept_settings
    back = (
        f"bring back what was valid last: `cp '{kept}' '{lab.settings_file}'`"
        if kept.exists()
        else f"take it away: `mv '{lab.settings_file}' '{lab.settings_file}.wrong'`"
    )
    return Finding("settings", False, found.fault, f"Mend the file, or save on the page Settings, or {back}.")
