"""The page System: the machine, slots, findings, sizes, and the clean-up from tick to deletion."""

import os
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.sample_store import fill
from core.doctor import Finding
from core.home import home
from core.jobs import table
from core.jobs.process import boot_id, started_at
from pages.parts.system import findings

ROOT = Path(__file__).parents[2]
OLD = time.time() - 30 * 86_400


@pytest.fixture
def quick_doctor(monkeypatch):
    """The doctor's process takes ten seconds, and has its own test (tests/unit/test_doctor_checks.py)."""
    found = [Finding("python", True, "3.11"), Finding("disk", False, "full of [links](x)", "`python -m core clean`")]
    monkeypatch.setattr(findings, "examined_apart", lambda say: found)


def opened():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    return settled(app.switch_page(str(ROOT / "pages" / "lab_system.py")).run())


def settled(app):
    """The page once nothing is looked for any more."""
    end = time.monotonic() + 60
    while ("progress" in {item.type for item in app.main} or not tables(app)) and time.monotonic() < end:
        time.sleep(0.05)
        app.run()
    assert not app.exception, app.exception
    return app


def tables(app):
    return [item.value for item in app.dataframe if "Share" in item.value.columns]


def texts(app):
    return " ".join(str(each.value) for kind in ("error", "caption", "markdown", "success") for each in app.get(kind))


@pytest.mark.parametrize("runs", [0, 3])
def test_it_draws(runs, quick_doctor):
    fill(runs, points=20)
    app = opened()
    assert app.title[0].value == "System"
    assert {"CPU", "memory", "disk free"} <= {item.label for item in app.metric} or "Looking at" in texts(app)
    assert "cpu0" in texts(app) and "Nothing waits" in texts(app)
    assert "Histories" in list(tables(app)[0]["What"]) or not runs
    assert any("torch" in list(item.value.get("What", ())) for item in app.dataframe)
    assert "full of" in app.error[0].value and "`python -m core clean`" in app.error[0].value
    assert "[links](x)" not in app.error[0].value


def test_a_run_in_a_slot_has_its_link(quick_doctor):
    run_id = fill(1, points=20)[0]
    me = os.getpid()  # a living process, or whoever looks would call the run crashed
    table.update(run_id, state="running", slot="cpu0", pid=me, pid_started=started_at(me), boot=boot_id())
    app = opened()
    assert "running" in texts(app)
    assert any(f"run={run_id}" in str(link.proto) for link in app.get("page_link"))


def test_what_is_ticked_is_listed_and_exactly_that_is_deleted(quick_doctor):
    fill(1, points=20)
    folder = home().root / "tracebacks"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("x" * 2000)
        os.utime(folder / name, (OLD, OLD))
    app = opened()
    box = next(item for item in app.checkbox if "Old tracebacks" in item.label)
    assert "2 files, 3.9 kB" in box.label
    app = box.check().run()
    assert any("tracebacks/a.txt" in list(item.value.get("File", ())) for item in app.dataframe)
    (folder / "c.txt").write_text("late")
    os.utime(folder / "c.txt", (OLD, OLD))  # old by now, but nobody was shown it
    (folder / "b.txt").write_text("changed")
    button = next(item for item in app.button if item.label.startswith("Delete these 2 files"))
    app = settled(button.click().run())
    assert sorted(path.name for path in folder.iterdir()) == ["b.txt", "c.txt"]
    assert "1 file deleted" in app.warning[0].value and "1 left" in app.warning[0].value


def test_settings_at_fault_are_said_and_secrets_are_not(quick_doctor):
    home().ensure().settings_file.write_text(
        "channels: [{kind: slack, name: lab, url: 'https://hooks.example/secret-path'}]\n"
    )
    app = opened()
    code = next(item.value for item in app.code if "channels" in item.value)
    assert "name: lab" in code and "secret-path" not in str(app.main)
    home().settings_file.write_text("slots: 3\n")
    assert "does not validate" in texts(opened())


def test_a_job_table_that_can_not_be_read_leaves_the_rest(quick_doctor):
    home().ensure().jobs_db.write_text("this is no database")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app = app.switch_page(str(ROOT / "pages" / "lab_system.py")).run()
    assert not app.exception and "job table" in texts(app)
    assert any("torch" in list(item.value.get("What", ())) for item in app.dataframe)
