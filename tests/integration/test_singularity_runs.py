"""A search for λ from its run to its certificate, onto the Singularities page and to the next order."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import jobs
from core.config import override, parse_config
from core.errors import LabError
from core.execution import results
from core.execution.execute import execute
from core.home import home
from core.presets import resolve
from core.runs import run_folder
from core.runs.funnel import FunnelPoint
from core.runs.history import read_history
from core.singularity import certificate as certificates
from core.singularity.found import found_runs
from core.singularity.onward import next_order_config
from core.singularity.reconstruction import RESOLUTION, physical_file
from core.solution.grid import SolutionGrid
from core.tracking import store
from core.tracking.lineage import lineage
from core.training import checkpoint as checkpoints
from pages.parts.live import run_state
from tests.integration.test_pages import opened, texts

ROOT = Path(__file__).parents[2]
SHORT = (
    "network.hidden=[8, 8]",
    "stages.0.warmup.iterations=10",
    "stages.0.iterations=12",
    "stages.0.collocation.points=80",
)


def search(*settings):
    """A short search for the Burgers profile."""
    config = resolve("burgers-profile")
    config = override(config, [f"stages=[{config.stages[0].model_dump_json()}]", *SHORT, *settings])
    run_id = jobs.begin_here(config)
    return run_id, execute(run_folder(run_id), 1)


def vorticity(a=0.0):
    config = parse_config(
        {
            "problem": {"kind": "gclm", "a": a},
            "network": {"hidden": [8]},
            "stages": [{"iterations": 6, "collocation": {"points": 60}}],
        }
    )
    run_id = jobs.begin_here(config)
    return run_id, execute(run_folder(run_id), 1)


def test_a_run_leaves_its_certificate_everywhere(tmp_path):
    run_id, report = search()
    certificate = certificates.read(run_folder(run_id))
    assert report.certificate == certificate
    assert report.as_dict()["certificate"] == certificate.as_dict()
    checkpoint = home().run_dir(run_id) / "checkpoints" / "last.pt"
    assert certificate.checkpoint_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert certificates.is_current(certificate)
    assert (certificate.lambda_, certificate.lambda_reference) == (report.measures.lambda_, 0.5)
    assert abs(certificate.lambda_ - 0.5) < certificate.lambda_uncertainty < 1e-3  # λ = 1/2 is exact
    assert certificate.versions["torch"] == torch.__version__
    # the dense grid of the run's figures covers near and far
    known = max(region.max_residual for region in certificate.regions[:2])
    assert known == pytest.approx(report.measures.max_residual, rel=0.02)
    artifact = Path(store.client().download_artifacts(run_id, "certificate.json", str(tmp_path)))
    assert json.loads(artifact.read_text()) == certificate.as_dict()
    tags = store.get_run(run_id).tags
    assert tags["lab.certificate"] == ("holds" if certificate.holds else "does not hold")
    assert float(tags["lab.certificate.lambda"]) == certificate.lambda_
    text = (home().run_dir(run_id) / "summary.md").read_text()
    assert "Residual certificate" in text
    assert f"| λ | {certificate.lambda_text} |" in text
    assert repr(certificate.lambda_)[:10] not in text  # no digit that is not supported
    (found,) = found_runs()
    assert (found.run_id, found.kind, found.parameter, found.holds) == (run_id, "burgers_profile", 0, certificate.holds)
    assert (found.lambda_, found.max_residual) == (certificate.lambda_, certificate.max_residual)
    assert found.uncertainty == certificate.lambda_uncertainty


def test_runs_without_lambda_have_none():
    config = override(resolve("poisson2d-quick"), ["stages.0.iterations=2", "stages.0.warmup.iterations=2"])
    run_id = jobs.begin_here(config)
    assert execute(run_folder(run_id), 1).certificate is None
    assert certificates.read(run_folder(run_id)) is None
    assert found_runs() == []


def test_a_checkpoint_that_moved_on_is_noticed():
    run_id, report = search()
    other, few = search("seed=1", "stages.0.collocation.points=30")
    last = home().run_dir(run_id) / "checkpoints" / "last.pt"
    last.write_bytes((home().run_dir(other) / "checkpoints" / "last.pt").read_bytes())
    assert not certificates.is_current(report.certificate)
    assert few.certificate.lambda_uncertainty is None  # points fewer than parameters can't tell how steep the basin is
    assert "digits not assessed" in (home().run_dir(other) / "summary.md").read_text()
    app = opened("pages/find_singularities.py", run=run_id)
    assert "an earlier checkpoint" in texts(app)


def test_command_line(tmp_path, command_line):
    run_id, report = search()

    def run(*arguments):
        return command_line("certificate", *arguments)

    largest = report.certificate.max_residual
    out = tmp_path / "c.json"
    loose = run(run_id[:8], "--tolerance", repr(2 * largest), "--json", str(out))
    assert (loose.returncode, loose.stderr) == (0, "")
    assert loose.stdout.startswith("holds at")
    assert json.loads(out.read_text())["tolerance"] == 2 * largest
    strict = run(run_id, "--tolerance", repr(largest / 2))
    assert (strict.returncode, strict.stdout[:13]) == (1, "does not hold")
    (home().run_dir(run_id) / "certificate.json").write_text("{}")
    for arguments in ((run_id,), ("f" * 32,), (run_id, "--tolerance", "-1")):
        refused = run(*arguments)
        assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (2, 1), refused


def test_page_of_a_search():
    run_id, report = search()
    app = opened("pages/find_singularities.py", run=run_id)
    assert not app.exception, app.exception
    assert not app.error
    metrics = {item.label: item.value for item in app.metric}
    assert metrics["λ"] == report.certificate.lambda_text
    assert metrics["known λ"] == "0.5"
    assert ("holds" if report.certificate.holds else "does not hold") in texts(app)
    assert "No funnel" in texts(app)
    regions = app.table[0].value
    assert list(regions["where"]) == ["near the origin", "far field", "beyond the training reach"]
    points = [FunnelPoint(lam, lam - 0.5, abs(lam - 0.5) + 1e-9, 1e-9) for lam in (0.45, 0.47, 0.501, 0.4999, 0.5)]
    run_folder(run_id).write_funnel(points)
    app = opened("pages/find_singularities.py", run=run_id)
    assert "No funnel" not in texts(app)
    assert not app.exception
    assert dict(run_state.build(run_id, "iteration").figures)["λ"] == report.certificate.lambda_text


def test_a_certificate_that_the_dense_grid_contradicts_is_reported_everywhere(monkeypatch, command_line):
    honest = results.measure
    monkeypatch.setattr(results, "measure", lambda *given: replace(honest(*given), max_residual=1e-12))
    run_id, report = search()
    said = report.certificate.contradiction
    assert said.startswith("Contradiction")
    assert report.state == "finished"
    tags = store.get_run(run_id).tags
    assert tags[certificates.CONTRADICTION_TAG] == said
    assert said.removesuffix(".") in tags["lab.reason"]
    assert f"**{said}**" in run_folder(run_id).summary.read_text()
    app = opened("pages/find_singularities.py", run=run_id)
    assert "Contradiction" in app.error[0].value
    done = command_line("certificate", run_id, "--tolerance", "1e9")  # both within it
    assert done.returncode == 0
    assert "Contradiction" not in done.stdout
    done = command_line("certificate", run_id)
    assert done.returncode == 1
    assert "Contradiction" in done.stdout


def test_a_run_that_ends_far_off_is_finished_and_says_so():
    adam = {"optimizer": {"kind": "adam", "learning_rate": 9.0}, "iterations": 30, "collocation": {"points": 100}}
    run_id = jobs.begin_here(parse_config({"problem": {"kind": "poisson2d"}, "stages": [adam]}))
    report = execute(run_folder(run_id), 1)
    assert report.measures.relative_l2_error > 1
    assert report.state == jobs.status(run_id).state == "finished"
    assert "far off" in report.as_dict()["remark"]
    assert "far off" in jobs.status(run_id).reason
    assert "far off" in run_folder(run_id).summary.read_text()
    assert "far off" in opened("pages/watch_runs.py", run=run_id).warning[0].value


def test_a_search_that_failed_says_why_and_claims_nothing():
    run_id = jobs.begin_here(resolve("burgers-profile"))
    store.set_state(run_id, "failed", "the funnel found no sign change")
    app = opened("pages/find_singularities.py", run=run_id)
    assert not app.exception, app.exception
    assert "the funnel found no sign change" in texts(app)
    assert "There is no certificate yet" in texts(app)
    assert {item.label: item.value for item in app.metric}["λ"] == "–"


def test_page_chooses_by_equation_and_address():
    burgers = jobs.begin_here(resolve("burgers-profile"))
    clm = jobs.begin_here(parse_config({"problem": {"kind": "gclm"}}))
    app = opened("pages/find_singularities.py")
    assert app.query_params["run"] in (clm, [clm])  # the newest
    assert not app.exception, app.exception
    app = opened("pages/find_singularities.py", run=burgers[:8])
    assert app.query_params["run"] in (burgers, [burgers])
    app = opened("pages/find_singularities.py", equation="ccf")
    assert "No run of CCF yet" in texts(app)
    app = opened("pages/find_singularities.py", run="../../etc/passwd")
    assert "There is no run" in texts(app)
    assert not app.exception


def test_an_empty_store_invites_and_a_click_launches():
    app = opened("pages/find_singularities.py")
    assert "Launch one by a click" in texts(app)
    next(item for item in app.button if "Burgers" in item.label).click().run()
    assert not app.exception, app.exception
    (job,) = jobs.queue()
    assert job.problem == "burgers_profile"
    assert app.query_params["run"] in (job.run_id, [job.run_id])
    jobs.stop(job.run_id)


def test_physical_time_is_a_grid_for_the_3d_view():
    run_id, report = vorticity()
    path = physical_file(run_folder(run_id), 33)
    grid = SolutionGrid.read(path)
    u_bounded = f"u/(1−t)^{report.measures.lambda_:.3g}"
    assert set(grid.values) == {"ω", "ω/(1−t)^-1", "u", u_bounded, "Hω", "Hω/(1−t)^-1", "x"}
    first = grid.values["ω"][:, 0]  # at t = 0 the solution is the profile
    direct = checkpoints.load(home().run_dir(run_id) / "checkpoints" / "last.pt").solution.evaluate(
        grid.values["x"][:, :1]
    )
    np.testing.assert_allclose(first, direct["Omega"], atol=1e-7)
    assert physical_file(run_folder(run_id), 33) == path
    app = opened("pages/solution_3d.py", run=run_id, view="physical time")
    assert not app.exception, app.exception
    assert not app.error
    assert report.certificate.lambda_text in texts(app)
    assert list(path.parent.glob(f"*-{RESOLUTION}-*physical-129.npz"))


def test_the_next_order_is_launched_from_a_run():
    run_id, _ = search()
    app = opened("pages/launch_runs.py", next_order=run_id)
    assert not app.exception, app.exception
    assert not app.error
    data = app.session_state["launch.data"]
    assert (data["problem"]["order"], data["parent"]) == (1, run_id)
    assert "warm start" in texts(app)
    config = next_order_config(store.run_config(run_folder(run_id)), run_id)
    config = override(config, [f"stages=[{config.stages[0].model_dump_json()}]", *SHORT, "stages.0.iterations=1"])
    child = jobs.begin_here(config)
    execute(run_folder(child), 1)
    assert store.get_run(child).parent == run_id
    solution = checkpoints.load(home().run_dir(child) / "checkpoints" / "last.pt").solution
    assert len(solution.networks) == 2
    # λ began where order 1 is looked for, not at the parent's
    lam = read_history(home().run_dir(child) / "history.arrows").columns["lambda"]
    assert lam[0] == pytest.approx(config.problem.lambda_start(), rel=1e-6)
    for wrong, why in ((search("problem.order=4")[0], "the highest"), ("0" * 32, "no run")):
        app = opened("pages/launch_runs.py", next_order=wrong)
        assert any(why in item.value for item in app.error), [item.value for item in app.error]


FEATURES = {
    "fourier": {"features": 24, "sigma": 5.0},
    "optimizer": {"kind": "gauss_newton", "damping": 1e-2, "minimum_damping": 1e-20},
    "iterations": 12,
    "collocation": {"points": 90},
}


def test_the_next_a_is_reached_along_a_path_that_the_store_tells_of():
    parent = jobs.begin_here(parse_config({"problem": {"kind": "gclm", "a": -0.5}, "stages": [FEATURES]}))
    execute(run_folder(parent), 1)
    app = opened("pages/launch_runs.py", next_a=parent)
    assert not app.exception, app.exception
    data = app.session_state["launch.data"]
    assert (data["problem"]["a"], data["parent"], data["continuation"]["path"]) == (-0.55, parent, "a")
    assert "The next a, along a path," in texts(app)
    stages = [FEATURES | {"iterations": 2}]
    child = jobs.begin_here(parse_config(data | {"stages": stages, "device": "cpu"}))
    report = execute(run_folder(child), 1)
    assert report.remark == ""
    assert report.measures.lambda_ == pytest.approx(0.65641, abs=1e-2)
    jobs.sync.tell_store(child)
    record = store.get_run(child)
    assert record.parent == parent
    steps = run_folder(child).path_steps()
    way = f"a from -0.5 to -0.55 in {len(steps)} steps"
    assert record.tags["provenance.path"] == way
    assert [node.way for node in lineage(child) if node.run_id in (parent, child)] == ["", way]
    assert f"| path | {way} |" in run_folder(child).summary.read_text()
    app = opened("pages/find_singularities.py", run=child)
    assert not app.exception, app.exception
    assert f"Along {way}" in texts(app)
    unrelated = {"problem": {"kind": "ccf", "order": 1}, "parent": parent, "continuation": {"path": "order"}}
    with pytest.raises(LabError, match="solves gclm, this one ccf: no path along order"):
        jobs.begin_here(parse_config(unrelated))
