"""A systemd user unit that looks after a lab's queue, so that it goes on when the machine is back after a restart.

It is written for the lab home, the Python and the source tree of whoever asks. Nothing is switched on without being
asked for. Everything that differs from lab to lab stands in it, quoted as systemd reads it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from core.errors import LabError
from core.files import write_whole
from core.home import SOURCE, home
from core.problem_source import VARIABLE

NAME = "singularity-lab.service"
MARK = "# Written by `python -m core service install`."
"""First line of the unit; another one is somebody's own."""
CARRIED = re.compile(
    r"LAB_(PROBLEMS|HOSTS|USER)|MLFLOW_\w+|AWS_\w+|AZURE_\w+|GOOGLE_APPLICATION_CREDENTIALS|CUDA_VISIBLE_DEVICES"
    r"|CUDA_DEVICE_ORDER|OMP_NUM_THREADS|MKL_NUM_THREADS|PATH|LANG|LC_\w+|(?i:https?_proxy|no_proxy)"
)
"""Variables that runs and the store may depend on, with which a login begins and a service does not."""
PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def unit_path() -> Path:
    """Where the unit of this user is."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    config = Path(base) if Path(base).is_absolute() else Path.home() / ".config"  # as the XDG specification has it
    return config / "systemd" / "user" / NAME


def unit_text(port: int | None = None) -> str:
    """The unit for this lab. Raises LabError for a path or variable that no unit can hold.

    Args:
        port: of the dashboard that it serves too; None for the queue alone.
    """
    command = ["look"] if port is None else ["serve", "--port", str(port)]
    environment = "".join(
        f"Environment={_quoted(f'{name}={value}', name, always=True)}\n"
        for name, value in carried_variables(os.environ).items()
    )
    what = "queue" if port is None else f"queue and dashboard on 127.0.0.1:{port}"
    return f"""{MARK}
# Changes are lost with the next one; `systemctl --user edit {NAME}` keeps yours beside it.
[Unit]
Description=Singularity Lab: {what}

[Service]
Type=exec
WorkingDirectory={_directory(SOURCE)}
{environment}ExecStart={_program(sys.executable)} -m core {" ".join(command)}
# runs outlive whoever started them, and a restart of this service too
KillMode=process
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
"""


def carried_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that the unit sets, with paths made absolute."""
    found = {name: value for name, value in sorted(environment.items()) if CARRIED.fullmatch(name)}
    found |= {name: environment[name] for name in _passwords() if name in environment}
    if VARIABLE in found:
        parts = [str(Path(part).absolute()) for part in found[VARIABLE].split(os.pathsep) if part]
        found[VARIABLE] = os.pathsep.join(parts)
    return {"LAB_HOME": str(home().root)} | found


def _passwords() -> Iterable[str]:
    """The variables in which the lab's settings say that passwords of mail servers are."""
    from core.settings import settings

    return filter(None, (getattr(channel, "password_variable", None) for channel in settings().channels))


def _quoted(text: str, what: str, *, always: bool = False) -> str:
    """A word as systemd reads it: escapes as in C, and % doubled, since it begins what is put in its place."""
    _check(text, what)
    if PLAIN.fullmatch(text) and not always:
        return text.replace("%", "%%")
    escaped = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "%": "%%"}
    return '"' + "".join(escaped.get(letter, letter) for letter in text) + '"'


def _program(path: str) -> str:
    """The path of a program. systemd runs none with quotes or backslashes in it, but hands them on as an argument."""
    quoted = _quoted(path, "The path of Python")
    if set(path) & set("'\"\\$"):
        return f"/usr/bin/env {quoted.replace('$', '$$')}"
    return quoted


def _directory(path: Path) -> str:
    """A folder; this setting knows no quotes, takes the rest of its line, and a backslash at the end goes on."""
    text = str(path)
    _check(text, "The path of the source tree")
    if "\n" in text or "\t" in text:
        raise LabError(f"The path {text!r} holds what no systemd unit can name. Put the program elsewhere.")
    return text.replace("%", "%%") + "/"


def _check(text: str, what: str) -> None:
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise LabError(f"{what} is no UTF-8, and systemd takes nothing else.")
    if any(ord(letter) < 32 and letter not in "\t\n" for letter in text) or "\x7f" in text:
        raise LabError(f"{what} holds a control character, which no systemd unit can hold.")


def install(port: int | None = None) -> tuple[Path, Path | None]:
    """Write the unit: (where it is, where somebody's own that stood there is kept now). Raises LabError."""
    path, text = unit_path(), unit_text(port)
    home().ensure()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else None
        kept = None
        if before is not None and not before.startswith(MARK.encode()):
            kept = path.with_name(f"{NAME}.before")
            write_whole(kept, before, mode=0o600)
        write_whole(path, text, mode=0o600)  # what it sets may be secret: passwords of a store
    except OSError as error:
        raise LabError(f"The unit {path} can't be written: {error.strerror or error}.") from error
    return path, kept


def uninstall() -> list[str]:
    """Switch the unit off and remove it; what was done, a line each. Runs go on. Raises LabError."""
    path = unit_path()
    if not path.exists():
        raise LabError(f"There is no unit {path}: nothing is installed.")
    if not path.read_text("utf-8", "replace").startswith(MARK):
        raise LabError(f"{path} was not written by this program. Remove it yourself, if it is to go.")
    done = []
    try:
        systemctl("disable", "--now", NAME)
        done.append("It was stopped; runs that are at work go on.")
    except LabError as error:
        done.append(f"It could not be told to stop, should it be at work: {error}")
    try:
        (path.parent / "default.target.wants" / NAME).unlink(missing_ok=True)
        path.unlink()
    except OSError as error:
        raise LabError(f"The unit {path} can't be removed: {error.strerror or error}.") from error
    return [*done, f"removed: {path}"]


def enable_now() -> None:
    """Have systemd start the unit now and with each start of the machine or login. Raises LabError."""
    systemctl("daemon-reload")
    systemctl("enable", "--now", NAME)


def state() -> list[str]:
    """What is known of the unit, a line each."""
    path = unit_path()
    if not path.exists():
        return [f"not installed: there is no {path}", "`python -m core service install` writes it."]
    lines = [f"installed: {path}"]
    text = path.read_text("utf-8", "replace")
    lab = re.search(r'^Environment="LAB_HOME=(.*)"$', text, re.MULTILINE)
    if f"Environment={_quoted(f'LAB_HOME={home().root}', 'LAB_HOME', always=True)}\n" not in text:
        lines.append(f"It is for another lab home, {lab[1] if lab else 'unknown'}; this one is {home().root}.")
    for question, word in (("is-enabled", "enabled"), ("is-active", "active")):
        try:
            lines.append(f"{word}: {systemctl(question, NAME, may_fail=True) or 'no'}")
        except LabError as error:
            lines.append(f"{word}: not known. {error}")
            break
    return [*lines, lingering()]


def lingering() -> str:
    """Whether the unit runs without a login, in one line."""
    user = _user()
    if Path("/var/lib/systemd/linger", user).exists():
        return f"It starts with the machine: lingering is on for {user}."
    return (
        f"It runs while {user} is logged in. To start it with the machine: `loginctl enable-linger {user}` (once; some "
        "machines ask for an administrator)."
    )


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container without a name for its user
        return str(os.getuid())


def systemctl(*arguments: str, may_fail: bool = False) -> str:
    """What `systemctl --user` answers. Raises LabError where there is none, no session of it, or it refuses.

    Args:
        arguments: of it.
        may_fail: a question, whose exit code is an answer too.
    """
    program = shutil.which("systemctl")
    if program is None:
        raise LabError("There is no systemctl on this machine. Start `python -m core look` by other means.")
    try:
        done = subprocess.run([program, "--user", *arguments], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"systemctl --user {arguments[0]} could not be run: {error}.") from error
    said = " ".join((done.stderr or "").split())
    if "bus" in said.lower() or "XDG_RUNTIME_DIR" in said:
        raise LabError(
            f"systemd has no session for {_user()} here ({said.rstrip('.')}). Log in to the machine itself, or run "
            f"`loginctl enable-linger {_user()}` and set XDG_RUNTIME_DIR=/run/user/{os.getuid()}."
        )
    if done.returncode != 0 and not may_fail:
        raise LabError(f"systemctl --user {' '.join(arguments)} failed: {said or f'exit code {done.returncode}'}")
    return done.stdout.strip()
