"""The processes that sample and draw: they die, hang and fail without taking anything else along."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from core.errors import LabError
from core.runs import RunFolder
from core.solution import children, prepared
from core.solution.children import Child
from core.solution.ordering import Sampling
from core.solution.sample import sampled_file
from pages.parts.solution.sampling import WAITING


@pytest.fixture(scope="module")
def child():
    """One for all that leave it as it is, or as good as new: a process of its own costs a second each time."""
    started = Child("trying things")
    yield started
    started.close()


@pytest.fixture
def fresh():
    """One that was never called."""
    started = Child("trying other things")
    yield started
    started.close()


def test_a_child_answers_and_stays_warm(child):
    first = child.call("os:getpid", timeout_s=30)
    assert first != os.getpid()
    assert child.call("os:getpid", timeout_s=30) == first


def test_a_killed_child_is_a_message_and_is_replaced(child):
    pid = child.call("os:getpid", timeout_s=30)
    with pytest.raises(LabError, match="died"):
        child.call("os:_exit", 11, timeout_s=30)
    second = child.call("os:getpid", timeout_s=30)
    assert second != pid
    os.kill(second, signal.SIGSEGV)  # between two calls
    psutil.wait_procs([psutil.Process(second)], timeout=10)
    assert child.call("os:getpid", timeout_s=30) not in (pid, second)


def test_a_child_that_takes_too_long_is_ended(child):
    pid = child.call("os:getpid", timeout_s=30)
    began = time.monotonic()
    with pytest.raises(LabError, match="longer than 1 s"):
        child.call("time:sleep", 60, timeout_s=1)
    assert time.monotonic() - began < 10
    assert not psutil.pid_exists(pid)


def test_errors_come_back_and_cost_nothing(child, tmp_path):
    pid = child.call("os:getpid", timeout_s=30)
    with pytest.raises(LabError, match="FileNotFoundError"):
        child.call("os:stat", "/no/such/file", timeout_s=30)
    with pytest.raises(LabError, match="There is no run 'x'"):
        child.call("core.solution.sample:sampled_file", RunFolder(tmp_path / "x"), 5, timeout_s=60)
    assert child.call("os:getpid", timeout_s=30) == pid


def test_a_child_works_in_the_home_of_the_moment(child, monkeypatch, tmp_path):
    for name in ("a", "b"):
        monkeypatch.setenv("LAB_HOME", str(tmp_path / name))
        assert child.call("os:getenv", "LAB_HOME", timeout_s=30) == str(tmp_path / name)


def test_an_idle_child_is_let_go(fresh, monkeypatch):
    monkeypatch.setattr(children, "IDLE_S", 0.3)
    pid = fresh.call("os:getpid", timeout_s=30)
    psutil.wait_procs([psutil.Process(pid)], timeout=10)
    assert not psutil.pid_exists(pid)
    assert fresh.call("os:getpid", timeout_s=30) != pid


def test_drawing_with_vtk_opens_no_port(child):
    assert child.call("core.solution.vtk_view:probe", timeout_s=120) > 100_000
    drawing = psutil.Process(child.call("os:getpid", timeout_s=30))
    assert [one for one in drawing.net_connections() if one.status == psutil.CONN_LISTEN] == []


def test_what_is_cancelled_ends_at_once_and_the_next_call_works(child):
    order = children.Order()
    threading.Timer(1.0, order.cancel).start()
    with pytest.raises(children.CancelledError, match="was cancelled"):
        child.call("time:sleep", 60, timeout_s=120, order=order)
    assert child.call("os:getpid", timeout_s=30) != os.getpid()
    with pytest.raises(children.CancelledError, match="before its turn"):
        child.call("os:getpid", timeout_s=30, order=order)


def test_cancelling_leaves_what_another_asked_for_alone(child):
    mine, theirs = children.Order(), children.Order()
    child.call("os:getpid", timeout_s=30, order=theirs)
    theirs.cancel()
    assert child.call("os:getpid", timeout_s=30, order=mine) > 0


def test_who_cancels_while_waiting_for_a_turn_waits_no_longer(child):
    mine, theirs = children.Order(), children.Order()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(child.call, "time:sleep", 600, timeout_s=600, order=theirs)
        while theirs._child is None:  # its turn begins
            assert not first.done()
        second = pool.submit(child.call, "os:getpid", timeout_s=30, order=mine)
        mine.cancel()
        with pytest.raises(children.CancelledError, match="before its turn"):
            second.result()
        assert not first.done()
        theirs.cancel()
        with pytest.raises(children.CancelledError):
            first.result()


def test_who_cancels_while_the_child_starts_is_heard(fresh, monkeypatch):
    order, start = children.Order(), fresh._start

    def starts():
        order.cancel()  # there is no process to end yet
        start()

    monkeypatch.setattr(fresh, "_start", starts)
    with pytest.raises(children.CancelledError, match="before its turn"):
        fresh.call("time:sleep", 600, timeout_s=600, order=order)
    assert fresh.call("os:getpid", timeout_s=30) == fresh._process.pid
    assert fresh._idle.is_alive()


def test_a_page_waits_for_nothing_that_was_cancelled(monkeypatch, tmp_path):
    monkeypatch.setattr(children, "LOOK_S", 600)
    other = children.Child("what another visitor wants")
    monkeypatch.setattr(children, "_sampler", other)

    def page():
        import streamlit as st

        from core.errors import LabError
        from core.solution.sample import sampled_file
        from pages.parts.solution.sampling import sampled

        try:
            sampled("all", sampled_file, st.session_state["folder"], 5)
        except LabError as error:
            st.error(str(error))

    with other._lock:
        job = Sampling(sampled_file, RunFolder(tmp_path / "x"), 5)
        job.cancel()
        shown = AppTest.from_function(page)
        shown.session_state["folder"], shown.session_state[WAITING] = RunFolder(tmp_path / "x"), {"all": job}
        shown.run(timeout=60)
        assert "Sampling was cancelled" in shown.error[0].value
        assert not job.done(0)


def test_children_are_prepared_once_and_not_where_memory_is_short(monkeypatch):
    asked = []

    class Counted(children.Child):
        running = False

        def call(self, function, *arguments, timeout_s, order=None):
            asked.append(function.removeprefix("core.solution.prepared:"))
            raise LabError("it is told to whoever asks it for something")

    sampler, renderer = Counted("a"), Counted("b")
    monkeypatch.setattr(children, "_sampler", sampler)
    monkeypatch.setattr(children, "_renderer", renderer)
    monkeypatch.setattr(children, "has_memory_to_wait", lambda: False)
    children.prepare("to_show")
    monkeypatch.setattr(children, "has_memory_to_wait", lambda: True)
    renderer.running = True
    children.prepare("to_show")
    renderer.running = False
    children.prepare("to_show")
    for thread in threading.enumerate():
        if thread.name == "prepare":
            thread.join(10)
    assert sorted(asked) == ["to_draw", "to_sample", "to_sample", "to_show"]


def test_what_children_are_prepared_with_is_there():
    for part in (prepared.to_sample, prepared.to_draw):
        part()


def test_a_vtk_view_that_died_is_not_tried_again_at_once(monkeypatch):
    asked = []

    def dies(*arguments, **named):
        asked.append(arguments)
        raise children.DiedError("The process for drawing the scene died.")

    monkeypatch.setattr(children._renderer, "call", dies)
    monkeypatch.setattr(children, "_vtk_died", {})
    for _ in range(3):  # once may be anything's fault
        with pytest.raises(LabError, match="died"):
            children.vtk_html(None, None)
    assert len(asked) == 2
    assert "error" not in children._vtk_died  # an exception would keep the scenes of all who were told
    monkeypatch.setattr(children, "RETRY_S", 0.0)
    with pytest.raises(LabError, match="died"):
        children.vtk_html(None, None)
    assert len(asked) == 3
