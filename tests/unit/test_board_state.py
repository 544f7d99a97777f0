"""What pages are sent of the board: of two boards, what is new, from which the page makes the second of the first."""

import random
import time
from dataclasses import replace
from types import SimpleNamespace

from core.errors import LabError
from core.jobs import board, table
from core.jobs.engines.contract import Slot
from core.presets import presets
from pages.parts.live import board_state
from pages.parts.live.board_state import BoardState, differs, news
from pages.parts.watch import board as asking

CONFIG = presets()["poisson2d-quick"].config


def state(runs: dict[str, dict], now: float = 0.0) -> BoardState:
    return BoardState(runs, list(runs), {"event": 1, "now": now})


def applied(before: BoardState | None, new: dict) -> BoardState:
    """As the page's script does it."""
    if new.get("whole"):
        return state(new["runs"])
    runs = dict(before.runs)
    for run_id in new.get("gone", ()):
        del runs[run_id]
    runs |= new["runs"]
    order = list(before.order)
    if "order" in new:
        place, out, ids = new["order"]
        order[place : place + out] = ids
    return state({run_id: runs[run_id] for run_id in order})


def test_news_make_the_next_board_of_the_last_whatever_happened():
    chance = random.Random(0)
    before, known = None, None
    ids = [str(k) for k in range(12)]
    for _ in range(300):
        chosen = chance.sample(ids, chance.randint(0, 12))
        after = state({run_id: {"name": chance.randint(0, 3)} for run_id in chosen})
        known = applied(known, news(before, after))
        assert (known.runs, known.order) == (after.runs, after.order)
        before = after


def test_a_run_that_moves_sends_its_neighbours_alone():
    ids = [str(k) for k in range(2000)]
    moved = [*ids[:5], "900", *ids[5:900], *ids[901:]]
    new = news(*(state({run_id: {} for run_id in order}) for order in (ids, moved)))
    assert new["order"] == (5, 896, moved[5:901])
    assert new["runs"] == {}


def test_the_moment_alone_is_nothing_new():
    assert not differs(state({"a": {}}, now=1.0), state({"a": {}}, now=2.0))
    assert differs(state({"a": {}}), state({"a": {"held": True}}))


def test_what_is_drawn_of_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    now = time.time()
    first, held, done = (f"{k:032x}" for k in (1, 2, 3))
    table.insert(first, CONFIG.model_copy(update={"name": "a\u202eb"}), "local")
    table.insert(held, CONFIG, "local", held=1, after_run=first, reason="Held by kim.")
    table.insert(done, CONFIG, "local", state="finished", attempt=1, slot="cpu0", started=now - 9, ended=now - 2)
    runs = board_state.drawn(board.read()).runs
    assert runs[first]["name"] == "a\\u202eb"
    assert runs[first]["ends"] - runs[first]["begins"] == 7
    assert (runs[held]["held"], runs[held]["why"], runs[held]["after"]) == (True, "Held by kim.", "a\\u202eb")
    assert "begins" not in runs[held]
    assert (runs[done]["begins"], runs[done]["ends"]) == (round(now - 9), round(now - 2))


def test_what_is_asked_for_again_is_done_once_and_nothing_that_was_asked_is_lost(monkeypatch):
    session, done = {}, []

    def act(asked):
        done.append(asked["k"])
        if asked["k"] == 2:
            raise LabError("It started.")
        return f"done {asked['k']}"

    monkeypatch.setattr(asking, "st", SimpleNamespace(session_state=session))
    monkeypatch.setattr(asking, "act", act)
    ask = [{"token": str(k), "k": k} for k in range(200)]
    for given in (ask[:1], ask[:3], ask[1:4], [*ask, {"k": 9}, None, 7], {"token": "x"}, None):
        session[asking.KEY] = {"asked": given}
        asking._answer()
    assert done == list(range(200))
    assert [str(error) for error in session[asking.REFUSED]] == ["It started."]
    answers = session[asking.ANSWER]["answers"]
    assert len(answers) == asking.ANSWERS and answers["199"] == {"said": "done 199", "refused": ""}


def test_of_a_clusters_slots_those_with_runs_are_drawn_and_a_pending_run_says_what_it_waits_for():
    table.insert("a" * 32, CONFIG, "local", asked_engine="desks")
    table.insert("b" * 32, CONFIG, "local", asked_engine="desks")
    for _ in range(2):
        table.claim_for("desks", lambda device, asked: True)
    table.update("a" * 32, engine_word="", slot="desks/n1/gpu0")
    table.update("b" * 32, engine_word="pending: Resources", event=("engine", ""))
    slots = (Slot("cpu0", ("cpu",)), *(Slot(f"desks/n1/gpu{k}", ("auto",), engine="desks") for k in range(3)))
    drawn = board_state.drawn(replace(board.read(), slots=slots))
    assert [slot["name"] for slot in drawn.head["slots"]] == ["cpu0", "desks/n1/gpu0"]
    assert drawn.runs["b" * 32]["pending"] == "desks: pending: Resources"
    assert "pending" not in drawn.runs["a" * 32]
