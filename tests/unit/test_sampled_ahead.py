"""A solution is sampled while its page loads: the file that the page asks for, once; a bad wish harms nothing."""

import threading

import pytest

from core.config import RunConfig
from core.errors import LabError
from core.solution.sample import sampled_file
from core.solution.wanted import Wanted
from pages.parts.live import ahead

CONFIG = RunConfig(problem={"kind": "poisson2d"})


@pytest.fixture
def asked(monkeypatch):
    """What the child that samples would be asked for."""
    found = []
    monkeypatch.setattr(ahead, "run_config", lambda folder: CONFIG)
    monkeypatch.setattr(ahead.children, "sample", lambda *given, **named: found.append((*given, named)))
    return found


WISHES = [({}, 129), ({"n-profile": "17"}, 17), ({"view": "profile", "n-profile": "33"}, 33), ({"view": "<i>"}, 129)]
WISHES += [({"n-profile": text}, 129) for text in ("-3", "²", "1e3", "")] + [({"n-mesh": "5"}, 129)]


@pytest.mark.parametrize("wish, points", WISHES)
def test_what_the_page_shows_first_is_sampled(asked, wish, points):
    ahead.sample_ahead("folder", wish)
    assert asked == [(sampled_file, "folder", points, {"wanted": Wanted(residuals=False)})]


@pytest.mark.parametrize("points", ["0", "1", "999999"])
def test_what_is_no_grid_or_does_not_fit_is_left_to_the_page(asked, points):
    ahead.sample_ahead("folder", {"n-profile": points})
    assert asked == []


def test_one_at_a_time(asked, monkeypatch):
    begun, on = threading.Event(), threading.Event()

    def slow(*_, **__):
        begun.set()
        on.wait(10)
        raise LabError("there is no checkpoint")

    monkeypatch.setattr(ahead.children, "sample", slow)
    first = threading.Thread(target=ahead.sample_ahead, args=("folder", {}))
    first.start()
    assert begun.wait(10)
    monkeypatch.setattr(ahead.children, "sample", lambda *given, **named: asked.append(given))
    ahead.sample_ahead("folder", {})
    assert asked == []
    on.set()
    first.join()
    ahead.sample_ahead("folder", {})
    assert len(asked) == 1
