"""MLflow's tables of an earlier MLflow, brought to the one that is installed."""

import sqlite3
from contextlib import closing

import pytest

from core import upgrade


@pytest.fixture
def earlier(lab_home):
    """The home's store as MLflow made it five revisions ago."""
    import sqlalchemy
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base

    store = lab_home / "mlflow.db"
    store.unlink()
    engine = sqlalchemy.create_engine(f"sqlite:///{store}")
    Base.metadata.create_all(engine)
    revision = upgrade._revisions()[5]
    with engine.begin() as connection:
        config = _get_alembic_config(f"sqlite:///{store}")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    return revision


def test_the_store_is_migrated_after_a_copy(lab_home, earlier):
    assert upgrade.needed().store[0] == earlier
    found, copy = upgrade.upgrade()
    assert found.steps == [f"MLflow's tables: {earlier} → {upgrade._revisions()[0]}"]
    with closing(sqlite3.connect(copy / "mlflow.db")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (earlier,)
    from core.tracking import store

    assert store.client().search_experiments()
