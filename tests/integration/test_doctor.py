"""`python -m core doctor`: what a lab needs of its machine."""

from core.solution import children
from pages.parts.system.findings import CHECKS


def test_a_machine_that_has_everything_is_well(command_line):
    done = command_line("doctor")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert "quick view, VTK view" in done.stdout
    assert len(done.stdout.splitlines()) >= CHECKS


def test_without_vtk_the_reason_is_told(command_line, monkeypatch):
    monkeypatch.setattr(children, "vtk_unavailable", lambda: "The process for trying the VTK view died.")
    done = command_line("doctor")
    assert done.returncode == 1
    assert "FAIL  renderers" in done.stdout
    assert "the quick view alone: The process for trying the VTK view died." in done.stdout
