"""The command line from afar: a real server, real tokens, a queue whose runs nobody starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.browser import ROOT, free_port
from benchmarks.identity import lay_out_sign_in, served
from core.jobs import table
from core.people.tokens import make, revoke
from core.runs import run_folder
from tests.conftest import lay_out

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def afar(fresh_store, tmp_path_factory):
    """A lab to which people sign in (its sign-in service is not asked): (its address, its home)."""
    home = tmp_path_factory.mktemp("afar") / "lab"
    lay_out(home, fresh_store)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    lay_out_sign_in(home, address, "http://127.0.0.1:9")
    (home / "settings.yaml").write_text("slots: {cpu: 1}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with served(home, port):
            yield address, home


@pytest.fixture
def ask(afar, monkeypatch, tmp_path):
    """`python -m core remote …` on a machine with another lab home."""
    address, home = afar
    monkeypatch.setenv("LAB_HOME", str(home))

    def asked(token, *words, server=address):
        return subprocess.run(
            [sys.executable, "-m", "core", "remote", *words],
            cwd=ROOT,
            env=os.environ | {"LAB_HOME": str(tmp_path / "laptop"), "LAB_SERVER": server, "LAB_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return asked


def test_a_run_is_submitted_looked_at_fetched_and_deleted_by_a_runner(ask, afar, tmp_path):
    _, token = make("laptop of Rosa", "runner", 1)
    done = ask(token, "submit", "poisson2d-quick", "--hold")
    assert done.returncode == 0, done.stderr
    run_id = done.stdout.strip()
    assert table.get(run_id).held
    seen = ask(token, "status", run_id[:8], "--json", str(tmp_path / "run.json")).stdout
    assert "laptop of Rosa (token:" in seen
    assert {file["name"] for file in json.loads((tmp_path / "run.json").read_text())["files"]} >= {"config.json"}
    out = tmp_path / "config.json"
    assert ask(token, "fetch", run_id, "config.json", "--out", str(out)).returncode == 0
    assert out.read_bytes() == run_folder(run_id).file("config.json").read_bytes()
    for name in ("../../people.json", "checkpoints/../../../people.json", "job.json", "uncommitted.diff"):
        refused = ask(token, "fetch", run_id, name, "--out", str(tmp_path / "no"))
        assert refused.returncode == 2
        assert "has no file" in refused.stderr
    assert ask(token, "logs", run_id).returncode == 0
    assert "put into the bin" in ask(token, "delete", run_id).stdout
    assert not (Path(tmp_path) / "laptop").exists(), "nothing of this machine's own lab is touched"


def test_a_viewers_token_looks_and_does_nothing_and_a_revoked_one_not_even_that(ask, afar):
    token, text = make("screen in the hall", "viewer", 1)
    assert ask(text, "whoami").stdout.startswith("screen in the hall: viewer at http://127.0.0.1:")
    assert ask(text, "status").returncode == 0
    done = ask(text, "submit", "poisson2d-quick")
    assert done.returncode == 2
    assert "takes the role runner" in done.stderr
    assert done.stderr.count("\n") == 1
    revoke(token.id)
    done = ask(text, "status")
    assert (done.returncode, "not good here" in done.stderr) == (2, True)


def test_a_question_that_is_asked_twice_makes_one_run(afar, monkeypatch):
    from core.cli import remote
    from core.presets import resolve

    address, home = afar
    monkeypatch.setenv("LAB_HOME", str(home))
    _, text = make("flaky", "runner", 1)
    monkeypatch.setenv("LAB_SERVER", address)
    monkeypatch.setenv("LAB_TOKEN", text)
    told = {"config": json.loads(resolve("poisson2d-quick").canonical_json()), "key": "0" * 32, "held": True}
    first, second = remote.ask("POST", "runs", told), remote.ask("POST", "runs", told)
    assert first["run"] == second["run"]
    assert not second["made"]
    made = [job for job in table.find(None, 100) if job.problem == "poisson2d" and not job.binned]
    assert [job.run_id for job in made] == [first["run"]]
    for wrong in ({"key": "x"}, {"key": 1}, {"config": 7}, {"config": {"problem": {"kind": "no"}}}, {"sudo": True}):
        with pytest.raises(remote.LabError):
            remote.ask("POST", "runs", told | {"key": "1" * 32} | wrong)


WRONG = [
    ("https://127.0.0.1:9", "can't be reached"),
    ("http://lab.example.org", "https"),
    ("", "LAB_SERVER"),
    ("ftp://x", "LAB_SERVER"),
]


@pytest.mark.parametrize(("server", "words"), WRONG)
def test_an_address_that_is_none_is_one_line(ask, server, words):
    done = ask("lab_00000000_x", "status", server=server)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
