"""The systemd user unit: what it says, and that systemd takes it."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core import service
from core.errors import LabError

HOMES = ["lab", "a b", "100%h", 'q"uote', "it's", "back\\slash", "end\\", "münchen 北京", "$HOME ${x}", "; rm", "#c"]


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "con fig"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in list(os.environ):
        if service.CARRIED.fullmatch(name) and name not in ("PATH", "LANG"):
            monkeypatch.delenv(name)


def says(text: str) -> dict[str, str]:
    """The environment of a unit, read by other rules for quotes than ours."""
    lines = [line.partition("=")[2] for line in text.splitlines() if line.startswith("Environment=")]
    words = [word for line in lines for word in shlex.split(line)]
    return {name: value.replace("%%", "%") for name, _, value in (word.partition("=") for word in words)}


def refused_by_systemd(unit: Path) -> str:
    """What systemd does not take in a unit."""
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("CI"):
            pytest.fail("systemd-analyze is missing: `make test` installs it")
        pytest.skip("there is no systemd-analyze on this machine; it comes with the package systemd")
    done = subprocess.run(["systemd-analyze", "verify", "--user", str(unit)], capture_output=True, text=True)
    return done.stdout + done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


@pytest.mark.parametrize("name", HOMES)
def test_the_unit_carries_what_the_lab_depends_on_and_systemd_takes_it(tmp_path, monkeypatch, name):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / name))
    monkeypatch.setenv("LAB_PROBLEMS", os.pathsep.join(("mine.py", str(tmp_path / name))))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://u:p%40ss@db/x?a=1&b=$c")
    monkeypatch.setenv("LAB_RUN_DIR", "of a run")
    monkeypatch.setenv("EDITOR", "ed")
    path, kept = service.install()
    assert path == tmp_path / "con fig" / "systemd" / "user" / "singularity-lab.service"
    assert kept is None
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    found = says(text)
    assert found["LAB_HOME"] == str(tmp_path / name)
    assert found["LAB_PROBLEMS"] == os.pathsep.join((str(Path.cwd() / "mine.py"), str(tmp_path / name)))
    assert found["MLFLOW_TRACKING_URI"] == "postgresql://u:p%40ss@db/x?a=1&b=$c"
    assert not {"LAB_RUN_DIR", "EDITOR"} & found.keys()
    assert f"ExecStart={sys.executable} -m core look\n" in text
    for line in ("KillMode=process", "Restart=on-failure", "WantedBy=default.target"):
        assert f"{line}\n" in text
    assert refused_by_systemd(path) == ""


def test_systemd_would_say_what_is_wrong(tmp_path):
    path, _ = service.install(8501)
    assert "-m core serve --port 8501\n" in path.read_text()
    bad = tmp_path / "bad.service"
    bad.write_text(path.read_text().replace("KillMode=process", 'Environment="A=b'))
    assert "Invalid syntax" in refused_by_systemd(bad)


@pytest.mark.parametrize("directory", ["/o p/t", "/100%/é", '/q"/x', "/back\\", "/$HOME/x"])
def test_programs_and_folders_of_any_name(tmp_path, monkeypatch, directory):
    place = tmp_path / directory.lstrip("/")
    place.mkdir(parents=True)
    python = place / "python"
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(service, "SOURCE", place)
    path, _ = service.install()
    assert refused_by_systemd(path) == ""


BAD = [
    ("LAB_HOME", "/a\x07b", "control character"),
    ("MLFLOW_TRACKING_URI", "x\x7f", "control character"),
    ("MLFLOW_X", "\udcff", "UTF-8"),
]


@pytest.mark.parametrize(("name", "value", "word"), BAD)
def test_what_no_unit_can_hold_is_refused_in_one_line(tmp_path, monkeypatch, name, value, word):
    monkeypatch.setenv(name, value)
    with pytest.raises(LabError, match=word) as error:
        service.install()
    assert "\n" not in str(error.value)
    assert not service.unit_path().exists()


def test_a_unit_that_says_something_else_is_kept_beside_and_anothers_is_not_removed():
    path, _ = service.install()
    path.write_text("[Service]\nExecStart=/bin/true\n")
    with pytest.raises(LabError, match="not written by this program"):
        service.uninstall()
    _, kept = service.install()
    assert kept.read_text() == "[Service]\nExecStart=/bin/true\n"
    assert service.install(8501)[1] is None
    assert kept.read_text() == "[Service]\nExecStart=/bin/true\n", "one of ours can be written again"
    assert service.install()[1] is None


def test_without_a_session_of_systemd_nothing_is_switched_on_and_that_is_said(tmp_path, monkeypatch):
    systemctl = tmp_path / "systemctl"
    systemctl.write_text("#!/bin/sh\necho 'Failed to connect to bus: No medium found' >&2\nexit 1\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in service.state()[0]
    with pytest.raises(LabError, match="nothing is installed"):
        service.uninstall()
    path, _ = service.install()
    with pytest.raises(LabError, match="no session"):
        service.enable_now()
    assert any("no session" in line for line in service.state())
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "another"))
    assert any("another lab home" in line for line in service.state())
    done = service.uninstall()
    assert "no session" in done[0]
    assert not path.exists()
    systemctl.unlink()
    with pytest.raises(LabError, match="no systemctl"):
        service.enable_now()


def test_passwords_of_mail_servers_are_carried(lab_home, monkeypatch):
    lab_home.mkdir()
    (lab_home / "settings.yaml").write_text(
        "channels: [{kind: email, name: me, host: h, sender: a@b, to: c@d, password_variable: MY_SECRET}]\n"
    )
    monkeypatch.setenv("MY_SECRET", "hush")
    assert says(service.unit_text())["MY_SECRET"] == "hush"
