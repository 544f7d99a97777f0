"""What is to be done about an attempt that a cluster has, by all that is known of it."""

import pytest

from core.jobs.engines import ray
from core.jobs.engines.contract import Said
from core.jobs.engines.verdicts import SILENT_S, Signs, verdict

PENDING, RUNNING = Said("pending", "Resources"), Said("running", node="n2")
EXITED, LOST = Said("ended", node="n2", returncode=3), Said("ended", "Its node failed.", "n2", lost=True)


def signs(said=None, *, answers=True, begun=False, word=False, refused="", silent=False, killed=False):
    return Signs(answers, said, begun, word, refused, SILENT_S if silent else 0.0, killed)


@pytest.mark.parametrize(
    ("known", "what", "lost"),
    [
        (signs(PENDING), "pending", False),
        (signs(PENDING, begun=True), "at work", False),  # an engine that lags behind
        (signs(RUNNING), "pending", False),
        (signs(RUNNING, begun=True), "at work", False),
        (signs(EXITED, begun=True), "gone", False),
        (signs(EXITED), "gone", False),
        (signs(Said("ended"), begun=True, word=True), "gone", False),
        # its node is gone, as far as the engine sees: it may still write
        (signs(LOST, begun=True), "at work", False),
        (signs(LOST, begun=True, silent=True), "gone", True),
        (signs(LOST), "unstarted", False),
        # the engine does not know it
        (signs(), "unsubmitted", False),
        (signs(begun=True), "at work", False),
        (signs(begun=True, silent=True), "gone", True),
        (signs(begun=True, word=True), "at work", False),
        (signs(begun=True, word=True, silent=True), "gone", True),
        # the engine does not answer: nothing is concluded from that alone
        (signs(answers=False), "pending", False),
        (signs(answers=False, begun=True), "at work", False),
        (signs(answers=False, begun=True, silent=True), "at work", False),
        (signs(answers=False, begun=True, word=True), "at work", False),
        (signs(answers=False, begun=True, word=True, silent=True), "gone", False),
        (signs(answers=False, begun=True, killed=True), "at work", False),
        (signs(answers=False, begun=True, killed=True, silent=True), "gone", False),
        (signs(EXITED, refused="Node n2 has torch 1"), "refused", False),
    ],
)
def test_verdicts(known, what, lost):
    found = verdict(known)
    assert (found.what, found.lost) == (what, lost)


def test_words_say_where_and_why():
    assert verdict(signs(PENDING)).word == "pending: Resources"
    assert verdict(signs(RUNNING)).word == "starting on n2"
    assert verdict(signs(Said("ended", "Ray says: no such file", "n2", 2))).word == (
        "It ended on n2 before it began. Ray says: no such file"
    )
    assert verdict(signs(EXITED, begun=True)).returncode == 3


def test_what_was_pending_with_a_ray_head_that_died_is_lost():
    rows = [
        {"is_head_node": True, "state": "DEAD", "start_time_ms": 1000},
        {"is_head_node": True, "state": "ALIVE", "start_time_ms": 5000},
        {"is_head_node": False, "state": "ALIVE", "start_time_ms": 9000},
    ]
    since = ray._head_since(rows)
    before, after = ({"status": "PENDING", "message": "", "start_time": moment} for moment in (4000, 6000))
    assert verdict(signs(ray._said(before, {}, since))).what == "unstarted"
    assert verdict(signs(ray._said(before, {}, since), begun=True)).what == "at work"
    assert verdict(signs(ray._said(after, {}, since))).what == "pending"
    assert verdict(signs(ray._said(before | {"status": "RUNNING"}, {}, since), begun=True)).what == "at work"
    assert ray._said(before, {}, ray._head_since([])).what == "pending", "a head that says nothing of it"
