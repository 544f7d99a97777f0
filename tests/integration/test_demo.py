"""The demo a second time: what is there is kept, what was interrupted goes on."""

import pytest

from core import jobs
from core.cli.demo import _begun, _follow
from core.config import RunConfig
from core.presets import demo
from core.presets.demo import DemoRun
from tests.stand_in import let_go, until


@pytest.fixture
def short_runs(lab, monkeypatch):
    """Stand-ins in the place of the demo's runs."""

    def run(name: str, after: str | None = None) -> DemoRun:
        return DemoRun(RunConfig(problem={"kind": "poisson2d"}, device="cpu", name=name), after)

    chosen = run("a steps=2"), run("b waits"), run("c steps=1", after="a steps=2"), run("d raises")
    monkeypatch.setattr(demo, "demo_runs", lambda: chosen)


def test_a_second_time_keeps_what_is_there_and_goes_on_with_the_rest(short_runs, capsys):
    first = _begun()
    assert jobs.status(first["c steps=1"]).after_run == first["a steps=2"]
    until(lambda: jobs.status(first["b waits"]).has_checkpoint)
    jobs.stop(first["b waits"])
    _follow(first)
    said = capsys.readouterr()
    assert "a steps=2            finished" in said.out
    assert "b waits is stopped" in said.err
    assert "d raises is failed" in said.err

    again = _begun()
    assert again == first
    assert jobs.status(again["a steps=2"]).state == "finished"
    let_go()
    _follow(again)
    said = capsys.readouterr()
    assert "b waits" not in said.err
    assert jobs.status(again["b waits"]).state == "finished"
    begun = [line for line in jobs.tail(again["b waits"], 50).splitlines() if line.startswith("starts at step")]
    assert len(begun) == 2
    assert begun[0] == "starts at step 0"
    assert begun[1] != "starts at step 0", "it went on from its checkpoint"
