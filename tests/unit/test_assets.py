"""The page that every address of the dashboard answers with."""

from pages.parts.assets import BACKEND, EARLY, STREAMLIT, _with_preloads


def test_the_page_knows_its_server_before_any_of_its_scripts():
    page = _with_preloads(STREAMLIT / "index.html").decode()
    assert page.count(BACKEND) == 1
    assert page.index(BACKEND) < page.index("<script", page.index(BACKEND) + 1)
    assert "<script" not in page[: page.index(BACKEND)]
    assert page.index(EARLY) < page.index("modulepreload")
