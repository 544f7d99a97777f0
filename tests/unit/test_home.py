"""The lab home: closed to others, and the file that its store's address names is the one that MLflow opens."""

import stat

import pytest
from sqlalchemy.engine import make_url

from core.errors import StoreError
from core.home import Home, home


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:////tmp/a%20b/m.db", "sqlite:////tmp/a b/m.db", "sqlite:////tmp/a?b/m.db", "sqlite:////tmp/a#b/m.db",
        "sqlite:////tmp/a%2520b/m.db", "sqlite:///rel/m.db", "sqlite:////tmp/x.db?mode=ro", "sqlite:////tmp/50%/m.db",
        "sqlite+pysqlite:////tmp/x.db", "sqlite:////tmp/%C3%A4/m.db", "sqlite:////tmp/ä/m.db", "sqlite:////tmp/a+b.db",
    ],
)  # fmt: skip
def test_an_address_is_the_file_that_sqlalchemy_opens(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert str(home().store_file) == make_url(uri).database


@pytest.mark.parametrize(
    "uri",
    ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "http://h", "postgresql://h/d", "mlruns"],
)
def test_other_stores_are_no_file(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert home().store_file is None


@pytest.mark.parametrize("name", ["a b", "a%20b", "100%", "what?", "ä#1", "a&b=c"])
def test_a_home_of_any_name_has_its_store_in_it(name, tmp_path):
    lab = Home(tmp_path / name)
    assert lab.store_file == lab.mlflow_db
    assert make_url(lab.tracking_uri).database == str(lab.mlflow_db)


def test_a_new_home_is_its_owners_alone_and_an_old_one_stays_as_it_is(tmp_path):
    made = Home(tmp_path / "deep" / "new").ensure()
    assert stat.S_IMODE(made.root.stat().st_mode) == 0o700
    assert made.open_to_others() == ""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    assert stat.S_IMODE(Home(shared).ensure().root.stat().st_mode) == 0o775
    assert Home(shared).open_to_others() == "mode 775: open to its group and everybody; chmod 700 closes it"


def test_a_home_that_is_none_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't be used"):
        Home(tmp_path / "file").ensure()
    with pytest.raises(StoreError, match="can't be used"):
        Home(tmp_path / "file" / "below").ensure()
