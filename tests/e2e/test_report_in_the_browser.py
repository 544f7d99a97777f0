"""A report opened as a file in Chromium without a network: figures drawn, equations set, nothing typed is run."""

import pytest

from benchmarks.sample_store import fill
from core.reports.making import report_of, write_report
from core.runs import run_folder
from core.tracking import store
from core.tracking.tags import NOTE

pytestmark = pytest.mark.e2e

EVIL = "<img src=x onerror=\"document.title='taken'\"></script><script>document.title='taken'</script>"


def test_reports_open_offline_and_run_nothing_that_a_visitor_typed(lab_home, browser, tmp_path):
    ids = fill(10, points=60)  # the last three stopped, failed and crashed
    store.set_tag(ids[0], NOTE, EVIL)
    waits = store.create_run(store.run_config(run_folder(ids[0])).model_copy(update={"name": EVIL[:100]}))
    cases = {"finished": ids[:1], "failed": ids[8:9], "queued": [waits], "several": [*ids[:3], waits]}
    context = browser.new_context(offline=True, color_scheme="dark")
    for name, runs in cases.items():
        path = tmp_path / f"{name}.html"
        write_report(report_of([run_folder(run_id) for run_id in runs]), path, "html")
        page, said, asked = context.new_page(), [], []
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("console", lambda line, said=said: said.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=yes]", state="attached")
        for plot in page.locator(".plot:visible").all():
            plot.scroll_into_view_if_needed()
            plot.locator(".main-svg").first.wait_for(state="attached")
        if name != "queued":
            assert page.locator(".plot .scatterlayer .trace").count() > 0
        assert page.locator("math").first.bounding_box()["height"] > 10
        assert (said, [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]) == ([], [])
        assert page.title() != "taken"
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.close()
    context.close()
