"""What was left to the run is resolved; anything else that it does otherwise is a difference."""

from core.config import parse_config
from core.tracking.in_force import compare


def asked(**change):
    return parse_config({"problem": {"kind": "burgers_profile"}, **change}).model_dump(mode="json", by_alias=True)


def test_what_was_left_open_counts_as_resolved():
    effective = asked(device="cpu", stages=[{"precision": "float64"}])
    effective["lambda"]["start"] = 0.6
    found = compare(asked(), effective)
    assert found.matches
    assert {(item.field, item.before, item.after) for item in found.resolved} == {
        ("device", "auto", "cpu"),
        ("stages.0.precision", "auto", "float64"),
        ("lambda.start", None, 0.6),
    }


def test_anything_else_is_a_difference():
    found = compare(asked(device="cuda", seed=1), asked(device="cpu", seed=2))
    assert not found.matches
    assert {item.field for item in found.differing} == {"device", "seed"}
    assert compare(asked(), asked(name="other")).matches
    dropped = asked() | {"swarm": 3}
    assert [item.field for item in compare(dropped, asked()).differing] == ["swarm"]
