"""The Datasets page: empty, filled, with uploads good and bad, and with files that changed or went away."""

import numpy as np
import pytest

from core import jobs
from core.config import override
from core.datasets import add, datasets, digests_of
from core.execution.execute import execute
from core.home import home
from core.presets import presets, resolve
from core.presets.samples import SAMPLES
from core.problems.burgers_inverse import SAMPLE, sample_csv
from core.runs import run_folder
from tests.integration.test_dataset_runs import SHORT
from tests.integration.test_pages import opened, texts
from tests.unit.test_uploaded_meshes import named_plate

PAGE = "pages/data_sets.py"
CSV = b"x,t,u\n0.5,0.25,1\n"


def button(app, label):
    return next(item for item in app.button if item.label == label)


def tables(app):
    return [frame.value for frame in app.dataframe]


def upload(app, name, content, replace=False):
    app.file_uploader[0].set_value((name, content, "text/csv")).run()
    if replace:
        app.checkbox[0].check().run()
    return button(app, "Add").click().run()


def test_empty_page_says_what_a_dataset_is_and_one_click_makes_the_sample():
    app = opened(PAGE)
    assert not app.exception
    assert "A dataset is a file of measurements" in texts(app)
    assert presets()["burgers-inverse"].title in texts(app)
    assert button(app, "Add").disabled
    button(app, "Make the sample datasets").click().run()
    assert not app.exception
    assert (home().data / SAMPLE).read_bytes() == sample_csv()
    assert sorted(tables(app)[0]["Dataset"]) == sorted(SAMPLES)
    assert "added" in app.success[0].value
    found = digests_of(sample_csv())
    for digest in (found.sha256, found.sha1, found.git_blob, found.md5):
        assert digest in app.code[0].value
    assert {item.label: item.value for item in app.metric}["Rows"] == "500"
    button(app, "Make the sample datasets").click().run()
    assert "already there" in app.success[0].value


def test_upload_is_checked_and_never_overwrites_silently():
    app = upload(opened(PAGE), "mine.csv", CSV)
    assert not app.exception
    assert "added" in app.success[0].value
    assert (home().data / "mine.csv").read_bytes() == CSV
    newer = CSV.replace(b"1", b"2")
    app = upload(app, "mine.csv", newer)
    assert any("other content" in item.value for item in app.error)
    assert (home().data / "mine.csv").read_bytes() == CSV
    app = upload(opened(PAGE), "mine.csv", newer, replace=True)
    assert not app.error
    assert "replaced" in app.success[0].value
    assert (home().data / "mine.csv").read_bytes() == newer
    assert len(app.selectbox[0].options) == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.csv", b"x,t\n1\n", "line 2: 1 cells"),
        ("bad.csv", b"\x00\xff", "not UTF-8"),
        ("bad.npz", b"PK", "no .npz file"),
        ("../bad.csv", CSV, "letters, digits"),
    ],
)
def test_a_bad_upload_is_a_message_and_leaves_nothing(name, content, words):
    app = opened(PAGE)
    app.file_uploader[0].set_value((name, content, "text/csv")).run()
    assert not app.exception
    assert any(words in item.value.replace("\\", "") for item in app.error)
    assert button(app, "Add").disabled
    assert datasets() == []


def test_the_preview_says_what_the_columns_are_and_takes_a_correction():
    content = b",X (mm),time,usol,n\n0,500,0.25,1,7\n1,-500,0.75,,8\n2,250,0.5,3,9\n"
    app = opened(PAGE)
    app.file_uploader[0].set_value(("m (1).csv", content, "text/csv")).run()
    assert not app.exception
    chosen = {item.label: item for item in app.selectbox}
    assert [(label, item.value) for label, item in chosen.items()] == [
        (r"X (mm) is", "x"), ("time is", "t"), ("usol is", "u"), ("n is", "nothing"),
    ]  # fmt: skip
    assert tables(app)[0].columns.tolist() == ["X (mm)", "time", "usol", "n"]
    assert any("1 row of 3 left out" in item.value for item in app.caption)
    assert any("counts the rows" in item.value for item in app.caption)
    chosen["n is"].set_value("u").run()
    assert any("u can be one column only" in item.value for item in app.error)
    assert button(app, "Add").disabled
    next(item for item in app.selectbox if item.label == "usol is").set_value("nothing").run()
    next(item for item in app.number_input if item.label == "X (mm) times").set_value(0.001).run()
    next(item for item in app.text_input if item.label == "Name").set_value("mine.csv").run()
    assert not app.error
    button(app, "Add").click().run()
    assert not app.exception
    (item,) = datasets()
    assert (item.path, item.versions[-1].columns) == ("mine.csv", "X (mm)=x*0.001; n=u; time=t")
    assert {item.label: item.value for item in app.metric}["Columns"] == "x, t, u"
    assert tables(app)[1]["Columns"].tolist() == ["X (mm)=x*0.001; n=u; time=t"]
    assert "X (mm)=x\\*0.001; n=u; time=t" in texts(app)


def test_runs_their_versions_and_what_changed_since():
    add(SAMPLE, sample_csv())
    run_id = jobs.begin_here(override(resolve("burgers-inverse"), SHORT))
    execute(run_folder(run_id), 1)
    app = opened(PAGE, dataset=SAMPLE)
    (runs,) = [table for table in tables(app) if "Run" in table]
    assert runs["Run"].tolist() == [f"watch?run={run_id}#short"]
    assert runs["The file now"].tolist() == ["same"]
    newer = sample_csv(0.1)
    (home().data / SAMPLE).write_bytes(newer)
    app = opened(PAGE, dataset=SAMPLE)
    listed, kept, runs = tables(app)
    assert listed["File"].tolist() == ["changed, not used yet"]
    assert kept["Version"].tolist() == [digests_of(newer).git_blob[:12], digests_of(sample_csv()).git_blob[:12]]
    assert kept["Runs"].tolist() == [0, 1]
    assert runs["The file now"].tolist() == [f"changed to {digests_of(newer).git_blob[:12]}"]
    (home().data / SAMPLE).unlink()
    app = opened(PAGE, dataset=SAMPLE)
    assert not app.exception
    assert "The file was removed" in texts(app)
    assert tables(app)[2]["The file now"].tolist() == ["removed"]


def test_a_file_that_is_no_table_is_listed_with_the_reason():
    (home().ensure().data / "notes.md").write_text("hello")
    np.save(home().data / "cube.npy", np.zeros((2, 2, 2)))
    app = opened(PAGE, dataset="notes.md")
    assert not app.exception
    assert any("not in .csv" in item.value for item in app.error)
    app = opened(PAGE, dataset="cube.npy")
    assert any("shape" in item.value for item in app.error)


@pytest.mark.parametrize("name", ["nothing.csv", "../jobs.db", "/etc/passwd"])
def test_a_link_to_what_is_not_there_is_a_message(name):
    add("a.csv", CSV)
    app = opened(PAGE, dataset=name)
    assert not app.exception
    assert any("There is no dataset" in item.value for item in app.warning)


def test_launch_says_that_the_dataset_is_missing_and_where_to_get_it():
    app = opened("pages/launch_runs.py")
    assert app.session_state["launch.preset"] == "poisson2d-quick"
    app.pills[0].set_value("burgers-inverse").run()
    assert not app.exception
    assert any(f"no dataset '{SAMPLE}'" in item.value for item in app.error)
    assert any(f"no dataset '{SAMPLE}'" in item.value for item in app.markdown)
    assert button(app, "Launch").disabled
    add(SAMPLE, sample_csv())
    app.run()
    assert not app.error
    assert not button(app, "Launch").disabled
    app = opened("pages/launch_runs.py")
    next(item for item in app.selectbox if item.label == "Problem").set_value("burgers_inverse").run()
    assert not app.exception
    assert not app.error


def test_use_in_a_run_fills_the_form():
    add("mine.csv", CSV)
    add("mine.csv", CSV.replace(b"1", b"2"), replace=True)
    app = opened(PAGE, dataset="mine.csv")
    app.selectbox[0].select_index(1).run()
    button(app, "Use in a run").click().run()
    assert not app.exception
    chosen = app.session_state["launch.data"]["problem"]
    assert (chosen["dataset"], chosen["dataset_version"]) == ("mine.csv", digests_of(CSV).git_blob)
    assert not app.error


def test_a_mesh_is_previewed_added_and_shown_and_a_bad_one_is_a_line(tmp_path):
    content = named_plate(tmp_path).read_bytes()
    app = opened(PAGE)
    app.file_uploader[0].set_value(("plate.msh", content, "")).run()
    assert not app.exception, app.exception
    assert "inlet (8), outer (24)" in texts(app) and not button(app, "Add").disabled
    button(app, "Add").click().run()
    assert not app.exception, app.exception
    assert "added" in app.success[0].value and "128 triangles" in texts(app)
    assert tables(app)[0]["Dataset"].tolist() == ["plate.msh"]
    app.file_uploader[0].set_value(("open.off", b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 1\n3 0 1 2\n", "")).run()
    assert not app.exception, app.exception
    assert "not closed" in app.error[0].value and button(app, "Add").disabled
    button(app, "Use in an equation").click().run()
    assert not app.exception, app.exception
    assert app.title[0].value == "Type an equation" and "inlet, outer" in texts(app)
    assert [item.value for item in app.text_input if item.label == "Coordinate"] == ["x", "y"]
    assert ":red" not in texts(app)
