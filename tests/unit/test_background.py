"""Work that is done once for all who want to know it."""

import threading
import time

from core.background import Background
from core.errors import LabError


def waited(background, **ask):
    end = time.monotonic() + 20
    while (known := background.ask(**ask)).busy and time.monotonic() < end:
        time.sleep(0.001)
    return known


def test_it_begins_once_tells_how_far_it_is_and_keeps_its_answer():
    go, begun = threading.Event(), []

    def work(said):
        begun.append(1)
        said(0.25, "half")
        assert go.wait(20)
        return "whole"

    background = Background(work)
    end = time.monotonic() + 20
    while background.ask().share != 0.25 and time.monotonic() < end:
        time.sleep(0.001)
    known = background.ask()
    assert (known.busy, known.value, known.so_far) == (True, None, "half")
    go.set()
    known = waited(background)
    assert (known.value, known.error, known.share) == ("whole", "", 1.0)
    assert waited(background).value == "whole" and len(begun) == 1
    waited(background, newer_than_s=1000.0)
    assert len(begun) == 1
    background.ask(newer_than_s=0.0)
    waited(background)
    assert len(begun) == 2


def test_an_error_is_a_sentence_and_the_last_answer_stays():
    answers = iter([lambda: 1, lambda: (_ for _ in ()).throw(LabError("No store.")), lambda: 1 / 0])
    background = Background(lambda said: next(answers)())
    assert waited(background).value == 1
    background.ask(newer_than_s=0.0)
    known = waited(background)
    assert (known.value, known.error) == (1, "No store.")
    background.ask(newer_than_s=0.0)
    assert waited(background).error.startswith("ZeroDivisionError")
