"""Replays of real runs: found wherever they are, repeated, verified, and traced to where they come from."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import override
from core.errors import ConfigError, LabError, RunNotFoundError
from core.execution.execute import execute
from core.home import home
from core.presets import resolve
from core.replay import REPLAY_TAG, prepare_rerun
from core.reports.stage_table import network_words
from core.runs import run_folder
from core.runs.history import HistoryWriter
from core.tracking import store
from core.tracking.in_force import in_force
from core.tracking.origin import origin
from core.tracking.search import find_id, find_runs, reruns
from pages.parts.shared.text import plain
from tests.integration.test_best_and_replay import SMALL, SMALL_SECOND_STAGE, short, verified
from tests.integration.test_pages import ROOT, opened, texts
from tests.training import features_alone


def trained(*settings, preset="poisson2d-quick", **options):
    run_id = jobs.begin_here(override(short(preset), settings), **options)
    execute(run_folder(run_id), 1)
    return run_id


def ended_run(losses, state="finished", **columns):
    """A run of the store with a history of its own making."""
    run_id = store.create_run(override(resolve("poisson2d-quick"), SMALL))
    store.set_state(run_id, state)
    folder = home().run_dir(run_id)
    folder.mkdir(parents=True)
    writer = HistoryWriter(folder / "history.arrows", ("poisson",))
    for i, loss in enumerate(losses):
        row = {name: values[i] for name, values in columns.items()}
        writer.append(iteration=i + 1, stage=0, phase=1, wall_time_s=time.time(), loss=loss, **row)
    writer.close()
    return run_id


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


# -- the config in force and provenance ---------------------------------------------------------------------------


def test_a_run_writes_back_the_config_it_used():
    run_id = trained("stages.0.collocation.points=60", preset="burgers-profile")
    effective = json.loads((home().run_dir(run_id) / "effective_config.json").read_text())
    assert effective["device"] == "cpu"
    assert [stage["precision"] for stage in effective["stages"]] == ["float64"] * len(effective["stages"])
    assert effective["lambda"]["start"] == resolve("burgers-profile").problem.lambda_start()
    assert effective["stages"][1]["fourier"]["sigma"] > 0
    found = in_force(run_folder(run_id))
    assert found.matches
    assert store.get_run(run_id).tags["lab.in_force"] == "matches"
    assert {item.field for item in found.resolved} >= {"device", "stages.0.precision", "stages.1.fourier.sigma"}
    shutil.rmtree(home().run_dir(run_id))  # on another machine there is the store alone
    assert in_force(run_folder(run_id)) == found


def test_what_the_process_does_otherwise_than_asked_is_named():
    run_id = jobs.begin_here(override(resolve("poisson2d-quick"), SMALL))
    path = home().run_dir(run_id) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"swarm": 3}))
    execute(run_folder(run_id), 1)
    assert [(item.field, item.before, item.after) for item in in_force(run_folder(run_id)).differing] == [
        ("swarm", 3, None)
    ]
    assert store.get_run(run_id).tags["lab.in_force"] == "differs"
    page = opened("pages/watch_runs.py", run=run_id)
    assert not page.exception
    assert "1 field not as asked" in texts(page)
    assert page.table[0].value.values.tolist() == [["swarm", "3", "–"]]


def test_what_a_run_has_grown_is_trained_again_without_the_search():
    config = override(features_alone("search", 40, 200), ["growth={target: 1e-4, seconds: 1000}"])
    run_id = jobs.begin_here(config)
    report = execute(run_folder(run_id), 1)
    found = in_force(run_folder(run_id))
    assert found.matches
    assert any(item.field.startswith("stages.1.") for item in found.resolved)
    assert report.config_hash == config.hash
    again = prepare_rerun(run_folder(run_id))
    assert again.config.growth is None
    assert len(again.config.stages) == 2
    rerun = jobs.begin_here(again.config, tags=again.tags)
    execute(run_folder(rerun), 1)
    assert verified(run_id, rerun).outcome == "bit-identical"
    table = run_folder(run_id).summary.read_text().partition("## Stages")[2]
    assert network_words(again.config.stages[1], again.config) in table


def test_provenance_is_whole_and_shown():
    run_id = trained("seed=5")
    artifacts = {item.path for item in store.client().list_artifacts(run_id)}
    assert {"environment.txt", "provenance.json", "effective_config.json"} <= artifacts
    lock = store.artifact(run_folder(run_id), "environment.txt").decode().splitlines()
    names = [line.partition("==")[0] for line in lock]
    assert names == sorted(set(names))
    assert any(line.startswith("torch==2.") for line in lock)
    tags = store.get_run(run_id).tags
    assert len(tags["provenance.environment"]) == 64
    found = origin(run_folder(run_id))
    assert found.facts["seed"] == "5"
    assert len(found.facts["commit"]) == 12
    assert found.lock.decode().splitlines() == lock
    page = opened("pages/replay_run.py", run=run_id)
    assert not page.exception
    assert any(item.label == "Provenance" for item in page.expander)
    shown = [cell for table in page.table for cell in table.value.to_numpy().ravel().tolist()]
    assert {"commit", "seed", "threads", "torch", "installed packages"} <= set(shown)
    assert "config in force matches" in texts(page)


def test_files_git_does_not_know_are_named_in_the_diff(tmp_path, monkeypatch):
    from core import provenance

    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "known.py").write_text("a = 1\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *arguments], check=True)
    monkeypatch.setattr(provenance, "SOURCE", tmp_path)
    provenance.code.cache_clear()
    try:
        assert provenance.code().diff == ""
        (tmp_path / "known.py").write_text("a = 2\n")
        (tmp_path / "new.py").write_text("b = 1\n")
        provenance.code.cache_clear()
        code = provenance.code()
        assert code.dirty
        assert code.diff.startswith("# not known to Git: new.py\n")
        assert "+a = 2" in code.diff
        (tmp_path / "saved.diff").write_text(code.diff)
        subprocess.run([*git, "checkout", "-q", "known.py"], check=True)
        subprocess.run([*git, "apply", "saved.diff"], check=True)
        assert (tmp_path / "known.py").read_text() == "a = 2\n"
    finally:
        provenance.code.cache_clear()


# -- finding runs -------------------------------------------------------------------------------------------------


def test_runs_are_found_by_name_problem_state_and_id_also_without_a_job():
    config = override(resolve("poisson2d-quick"), ['name=it\'s a 100% "best" run'])
    first = store.create_run(config)
    other = store.create_run(override(resolve("poisson3d"), ["name=second"]))
    store.set_state(other, "failed")
    foreign = store.client().create_run(store.client().get_experiment_by_name(store.EXPERIMENT).experiment_id)
    assert jobs.queue() == []
    assert {record.run_id for record in find_runs()} == {first, other}
    for text, expected in [
        ("it's", {first}),
        ("100%", {first}),
        ('"best"', {first}),
        ("SECOND", {other}),
        ("poisson3d fail", {other}),
        ("poisson", {first, other}),
        (first, {first}),
        (other[:9], {other}),
        (config.hash[:12], {first}),
        ("nothing-like-it", set()),
        ("' OR 1=1", set()),
        ("\\", set()),
    ]:
        assert {record.run_id for record in find_runs(text)} == expected, text
    assert find_id(first[:8]) == find_id(first.upper()) == first
    for text in ("", "xyz", "../../etc", first[:7], first + "0"):
        with pytest.raises(LabError, match="no run id"):
            find_id(text)
    with pytest.raises(RunNotFoundError):
        find_id("0" * 32)
    with pytest.raises(RunNotFoundError):
        find_id("0" * 8)
    with pytest.raises(ConfigError, match="another program"):
        find_id(foreign.info.run_id)


def test_a_run_known_to_the_store_alone_fills_the_form():
    run_id = store.create_run(override(resolve("poisson3d"), ["seed=7"]))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["replay"] = run_id[:10]
    app.run()
    assert not app.exception
    assert not app.error
    assert app.session_state["launch.data"]["seed"] == 7
    assert store.run_config(run_folder(run_id)).hash.startswith(app.code[0].value)


def test_an_address_that_asks_for_two_things_holds_still():
    first, second = (store.create_run(override(resolve("poisson3d"), [f"seed={seed}"])) for seed in (7, 8))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["replay"], app.query_params["parent"] = first, second
    app.run()
    assert app.session_state["launch.data"]["seed"] == 7
    app.run()
    assert app.session_state["launch.data"]["seed"] == 7


# -- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0" * 32, "../../etc/passwd", "'; DROP TABLE runs"])
@pytest.mark.parametrize(("path", "key"), [("launch_runs", "replay"), ("replay_run", "run")])
def test_an_id_that_is_none_is_a_message_and_the_form_stays(path, key, text):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.run()
    next(item for item in app.text_input if item.label == "Hidden").set_value("9, 8").run()
    app.query_params[key] = text
    app.switch_page(str(ROOT / f"pages/{path}.py")).run()
    assert not app.exception, app.exception
    assert len(app.error) == 1
    assert "no run" in app.error[0].value
    if path == "launch_runs":
        assert next(item for item in app.text_input if item.label == "Hidden").value == "9, 8"


def written_config(run_id, **change):
    folder = home().run_dir(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    data = json.loads(store.run_config(run_folder(run_id)).canonical_json()) | change
    (folder / "config.json").write_text(json.dumps(data))


def test_a_config_of_a_newer_program_is_refused_and_nothing_is_lost():
    run_id = store.create_run(resolve("poisson2d-quick"))
    written_config(run_id, version=9)
    before = (home().run_dir(run_id) / "config.json").read_bytes()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["replay"] = run_id
    app.run()
    assert not app.exception
    assert "made by version 9, this program reads up to 1" in app.error[0].value
    assert app.session_state["launch.data"]["problem"]["kind"] == "poisson2d"
    assert (home().run_dir(run_id) / "config.json").read_bytes() == before
    done = command("replay", run_id)
    assert done.returncode == 2
    assert "made by version 9" in done.stderr


def test_fields_of_an_older_program_are_named_on_the_form_and_by_the_command(tmp_path, command_line):
    run_id = store.create_run(override(resolve("poisson2d-quick"), SMALL))
    written_config(run_id, swarm={"size": 3})
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["replay"] = run_id
    app.run()
    assert not app.exception
    assert "there is no such field" in app.warning[0].value
    assert "swarm" in app.warning[0].value
    assert not next(item for item in app.button if item.label == "Launch").disabled
    done = command("replay", run_id[:8], OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    assert "note: swarm: there is no such field" in done.stderr
    assert "left out, it was {'size': 3}" in done.stderr
    strict = tmp_path / "mine.json"
    strict.write_text((home().run_dir(run_id) / "config.json").read_text())
    assert command_line("train", str(strict)).returncode == 2
    done = command_line("replay", str(strict), "--verify")
    assert (done.returncode, "name its id" in done.stderr) == (2, True)
    done = command_line("replay", str(strict))
    assert (done.returncode, "note: swarm" in done.stderr) == (0, True)


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("list.yaml", b"- 1", "a mapping of fields"),
        ("picture.yaml", b"\x89PNG\x00\xff\xfe", "no UTF-8 text"),
        ("large.json", b"[" + b"0," * 5_000_000 + b"0]", "more than 1 MB"),
        ("newer.json", b'{"version": 9, "problem": {"kind": "poisson2d"}}', "made by version 9"),
        ("wrong.yaml", b"problem: {kind: poisson2d}\nseed: -3", "seed: -3"),
    ],
)
def test_a_file_that_is_no_config_is_a_message(name, raw, words):
    app = opened("pages/replay_run.py")
    app.get("file_uploader")[0].set_value((name, raw, "application/octet-stream")).run()
    assert not app.exception, app.exception
    assert app.title[0].value == "Replay"
    assert plain(words) in app.error[0].value


def test_an_uploaded_config_fills_the_form_and_its_unknown_fields_are_named():
    app = opened("pages/replay_run.py")
    raw = b"problem: {kind: poisson3d}\nseed: 11\nsed: 12\n"
    app.get("file_uploader")[0].set_value(("mine.yaml", raw, "application/yaml")).run()
    assert not app.exception
    assert app.title[0].value == "Launch a run"
    assert app.session_state["launch.data"]["seed"] == 11
    assert "did you mean 'seed'" in app.warning[0].value
    assert "mine.yaml" in texts(app)
    app.switch_page(str(ROOT / "pages/launch_runs.py")).run()
    next(item for item in app.number_input if item.label == "Seed").set_value(12).run()
    assert app.table[0].value.values.tolist() == [["seed", "11", "12"]]


# -- verdicts -----------------------------------------------------------------------------------------------------

BASE = np.geomspace(1, 1e-6, 50)


def test_every_equation_is_compared_and_times_are_not():
    a = ended_run(BASE, rms_poisson=BASE)
    b = ended_run(BASE, rms_poisson=BASE * np.where(np.arange(50) < 20, 1, 1.5))
    assert verified(a, ended_run(BASE, rms_poisson=BASE)).outcome == "bit-identical"
    verdict = verified(a, b)
    assert (verdict.outcome, verdict.from_iteration, verdict.beyond_iteration) == ("different", 21, 21)
    assert {column.name: column.from_iteration for column in verdict.columns}["rms_poisson"] == 21
    assert verdict.largest == pytest.approx(1 / 3)


def test_first_digits_and_first_real_differences_are_told_apart():
    drift = BASE * (1 + np.where(np.arange(50) < 10, 0, 1e-15) + np.where(np.arange(50) < 40, 0, 1e-3))
    verdict = verified(ended_run(BASE), ended_run(drift))
    assert (verdict.outcome, verdict.from_iteration, verdict.beyond_iteration) == ("different", 11, 41)
    assert "from iteration 41 on" in verdict.sentence()
    assert "last digits from iteration 11" in verdict.sentence()


def test_nan_equals_nan_and_nothing_else():
    broken = BASE.copy()
    broken[30:] = np.nan
    assert verified(ended_run(broken, "failed"), ended_run(broken, "failed")).outcome == "bit-identical"
    verdict = verified(ended_run(broken), ended_run(BASE))
    assert (verdict.outcome, verdict.from_iteration) == ("different", 31)
    assert verdict.as_dict()["largest_relative_difference"] is None
    json.dumps(verdict.as_dict(), allow_nan=False)


def test_a_run_cut_short_is_compared_as_far_as_it_came():
    whole = ended_run(BASE)
    verdict = verified(ended_run(BASE[:20], "stopped"), whole)
    assert (verdict.outcome, verdict.compared, verdict.iterations) == ("bit-identical", 20, (20, 50))
    assert "the source is stopped after 20" in verdict.sentence()
    verdict = verified(whole, ended_run(BASE[:20], "crashed"))
    assert "the rerun is crashed after 20" in verdict.sentence()
    verdict = verified(whole, ended_run(BASE[:20]))
    assert (verdict.outcome, verdict.from_iteration) == ("different", 21)


def test_columns_that_are_no_curves_need_not_agree_to_be_within_tolerance():
    verdict = verified(ended_run(BASE, damping=BASE), ended_run(BASE, damping=2 * BASE))
    assert (verdict.outcome, verdict.largest) == ("within tolerance", 0)
    assert "but not damping" in verdict.sentence()


def test_packages_are_compared_where_the_locks_differ():
    a, b = ended_run(BASE), ended_run(BASE)
    for run_id, lock in ((a, "numpy==1.0\nsame==2\nold==1\n"), (b, "numpy==2.0\nsame==2\nnew==3\n")):
        store.client().log_text(run_id, lock, "environment.txt")
        store.client().set_tag(run_id, "provenance.environment", f"hash of {lock}")
    found = {(item.field, item.before, item.after) for item in verified(a, b).packages}
    assert found == {("numpy", "1.0", "2.0"), ("old", "1", None), ("new", None, "3")}


def test_a_history_is_fetched_from_the_store():
    a, b = ended_run(BASE), ended_run(BASE)
    store.client().log_artifact(a, str(home().run_dir(a) / "history.arrows"))
    shutil.rmtree(home().run_dir(a))
    assert verified(a, b).outcome == "bit-identical"


# -- reruns -------------------------------------------------------------------------------------------------------


def test_what_cannot_be_repeated_says_so_before_anything_starts():
    parent = trained()
    child = trained("stages=[{iterations: 3, fourier: {features: 4}}]", f"parent={parent}")
    assert prepare_rerun(run_folder(child)).config.parent == parent
    no_history = store.create_run(resolve("poisson2d-quick"))
    with pytest.raises(LabError, match="queued"):
        prepare_rerun(run_folder(no_history))
    store.set_state(no_history, "finished")
    with pytest.raises(LabError, match="no history"):
        prepare_rerun(run_folder(no_history))
    shutil.rmtree(home().run_dir(parent))
    before = len(find_runs())
    with pytest.raises(LabError, match="checkpoint is not here"):
        prepare_rerun(run_folder(child))
    done = command("replay", child, "--verify")
    assert (done.returncode, "checkpoint is not here" in done.stderr) == (2, True)
    page = opened("pages/replay_run.py", run=child)
    assert not page.exception
    assert "checkpoint is not here" in texts(page)
    assert next(item for item in page.button if item.label == "Verify by a rerun").disabled
    assert len(find_runs()) == before


def test_the_command_repeats_a_run_bit_by_bit_with_its_threads(tmp_path):
    out = tmp_path / "out.json"
    settings = [part for setting in (*SMALL, *SMALL_SECOND_STAGE) for part in ("--set", setting)]
    done = command("train", "burgers-profile", *settings, "--json", str(out), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    source = json.loads(out.read_text())["run_id"]
    done = command("replay", source[:10], "--verify", "--json", str(out), OMP_NUM_THREADS="2")
    assert done.returncode == 0, done.stderr
    data = json.loads(out.read_text())
    assert data["replay_of"] == source
    assert data["verify"]["outcome"] == "bit-identical"
    assert data["verify"]["environment"]["threads"] == {"source": "1", "rerun": "1", "differs": False}
    assert data["verify"] == verified(source, data["run_id"]).as_dict()
    assert store.get_run(data["run_id"]).tags[REPLAY_TAG] == source
    assert [record.run_id for record in reruns(store.get_run(source))] == [data["run_id"]]


def test_verify_of_a_run_without_a_history_or_of_itself_is_a_message():
    a, b = ended_run(BASE), store.create_run(resolve("poisson2d-quick"))
    store.set_state(b, "finished")
    for rerun, words in ((b, "no history"), (a, "against itself"), ("x", "no run id")):
        page = opened("pages/replay_run.py", run=a, rerun=rerun)
        assert not page.exception, page.exception
        assert words in page.error[0].value


def test_a_bad_address_stays_a_message_beside_a_single_run():
    trained()
    page = opened("pages/replay_run.py", run="xyz")
    assert "no run id" in page.error[0].value


def test_a_deleted_run_is_no_longer_offered():
    run_id = store.create_run(resolve("poisson2d-quick"))
    store.client().delete_run(run_id)
    assert find_runs() == []
