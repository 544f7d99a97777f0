"""The page that every address of the dashboard answers with."""

from core.solution.vtk_viewer import viewer_script
from pages.parts import assets
from pages.parts.assets import BACKEND, EARLY, PLOTLY, STREAMLIT, VIEWER, _with_preloads, ensure_static


def test_the_page_knows_its_server_before_any_of_its_scripts():
    page = _with_preloads(STREAMLIT / "index.html").decode()
    assert page.count(BACKEND) == 1
    assert page.index(BACKEND) < page.index("<script", page.index(BACKEND) + 1)
    assert "<script" not in page[: page.index(BACKEND)]
    assert page.index(EARLY) < page.index("modulepreload")


def test_what_wheels_have_for_browsers_is_served_as_it_is_now(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "APP", tmp_path / "static")
    ensure_static()
    (tmp_path / "static" / VIEWER).write_text("of an older version")
    ensure_static()
    assert (tmp_path / "static" / VIEWER).read_text(encoding="utf-8") == viewer_script()
    assert (tmp_path / "static" / PLOTLY.name).read_bytes() == PLOTLY.read_bytes()
