"""The courier: whom it tells the store of first."""

from types import SimpleNamespace

from core.jobs.courier import in_turn


def job(run_id: str, synced: bool) -> SimpleNamespace:
    return SimpleNamespace(run_id=run_id, synced=synced)


def test_no_run_that_always_has_news_keeps_others_from_being_told():
    trains, ended, other = job("trains", True), job("ended", False), job("other", True)
    assert in_turn([trains, ended, other], {"trains": 1.0, "ended": 5.0}) == ["ended", "other", "trains"]
    first = {}
    told = []
    for moment in range(6):  # telling takes so long that there is time for one at each look
        run_id = in_turn([trains, other], first)[0]
        first[run_id] = float(moment)
        told.append(run_id)
    assert told == ["trains", "other"] * 3
