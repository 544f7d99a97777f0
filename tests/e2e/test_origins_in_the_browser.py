"""What a page of another origin can do to the dashboard in a real browser: link to it, and nothing else."""

import http.client
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e

PAGE = """<!doctype html><title>elsewhere</title><a href="TARGET/compare">link</a>
<iframe id="frame" src="TARGET/"></iframe>
<script>
const done = {};
const socket = new WebSocket("ws://TARGET/_stcore/stream".replace("http://", ""), ["streamlit"]);
socket.onopen = () => done.socket = "open";
socket.onerror = () => done.socket = "refused";
const image = new Image();
image.onload = () => done.image = "loaded";
image.onerror = () => done.image = "refused";
image.src = "TARGET/favicon.png";
const script = document.createElement("script");
script.onload = () => done.script = "loaded";
script.onerror = () => done.script = "refused";
script.src = "TARGET/app/static/plotly.min.js";
document.head.append(script);
fetch("TARGET/_stcore/health").then(() => done.fetch = "read", () => done.fetch = "refused");
fetch("TARGET/_stcore/upload_file/a/b", {method: "PUT", body: "x"})
  .then(() => done.upload = "read", () => done.upload = "refused");
</script>"""


@pytest.fixture
def elsewhere(tmp_path):
    """Another program's page on another port of this machine; its address is set once the target is known."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()


def status(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse().status


def test_another_origin_can_link_to_the_dashboard_and_nothing_else(common, elsewhere, tmp_path, page):
    (tmp_path / "index.html").write_text(PAGE.replace("TARGET", common.url))
    page.goto(elsewhere)
    page.wait_for_function("Object.keys(done).length === 5", timeout=30_000)
    assert set(page.evaluate("Object.values(done)")) == {"refused"}, page.evaluate("done")
    framed = page.locator("#frame").element_handle().content_frame()
    assert not framed.url.startswith(common.url), "the browser shows an error in place of the frame"
    page.get_by_text("link").click()
    settled(page)
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()

    for path in ("/", "/_stcore/health", "/static/js/none.js", "/media/x.csv", "/_stcore/host-config"):
        assert status(common, path, Host="evil.example") == 403
    assert status(common, "/_stcore/health") == 200
    assert status(common, "/_stcore/upload_file/a/b", "PUT") == 403, "no XSRF token"


def test_nothing_is_fetched_from_elsewhere_whatever_a_page_holds(common, page):
    page.goto(common.url)
    settled(page)
    blocked = page.evaluate(
        """async () => {
            const seen = [];
            document.addEventListener("securitypolicyviolation", event => seen.push(event.effectiveDirective));
            document.body.insertAdjacentHTML("beforeend", "<img src='http://192.0.2.1/x.png'>");
            document.head.append(Object.assign(document.createElement("script"), {src: "http://192.0.2.1/x.js"}));
            await fetch("http://192.0.2.1/").catch(() => 0);
            await new Promise(done => setTimeout(done, 500));
            return seen.sort();
        }"""
    )
    assert blocked == ["connect-src", "img-src", "script-src-elem"]
