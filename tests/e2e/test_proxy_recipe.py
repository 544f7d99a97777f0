"""The recipe for nginx before a lab to which people sign in, with nginx itself and a real browser."""

import http.client
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import websockets.exceptions
import websockets.sync.client

from benchmarks.browser import free_port
from benchmarks.identity import NoProviderError, lab
from benchmarks.identity.browsing import sign_in
from benchmarks.identity.proxy import NoProxyError, proxied
from core.people.tokens import make
from tests.conftest import lay_out
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e

UNTRUSTED = ssl._create_unverified_context()
"""For a certificate of nobody's."""


@pytest.fixture(scope="module")
def home(fresh_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxied") / "lab"
    lay_out(folder, fresh_store)
    return folder


@pytest.fixture(scope="module")
def addresses(home, tmp_path_factory):
    """The lab behind nginx: (by HTTPS, by HTTP)."""
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        try:
            folder = tmp_path_factory.mktemp("nginx")
            with lab(home, behind=port) as origin, proxied(folder, port, urlsplit(origin).port) as plain:
                yield f"https://127.0.0.1:{port}", f"http://127.0.0.1:{plain}"
        except (NoProviderError, NoProxyError) as error:
            pytest.skip(str(error))


@pytest.fixture
def outside(browser):
    """A page that trusts the certificate."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


def asked(address, path, method="GET", body=None, **headers):
    parts = urlsplit(address)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=30, context=UNTRUSTED)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_nothing_passes_without_a_sign_in_and_what_does_is_encrypted(addresses):
    https, plain = addresses
    status, headers, _ = asked(plain, "/watch?run=1")
    assert status == 301
    assert headers["Location"].startswith("https://127.0.0.1/watch?run=1")
    for path in ("/", "/watch", "/media/x.png", "/app/static/plotly.min.js", "/static/js/x.js", "/live/board",
                 "/_stcore/host-config", "/component/x/y.js"):  # fmt: skip
        status, headers, _ = asked(https, path, Accept="text/html", Lab_User="ada", Lab_Role="admin")
        assert status == 401, path
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert b"Sign in" in asked(https, "/watch", Accept="text/html")[2]
    assert asked(https, "/auth/check")[0] == 404, "asked by the proxy alone"
    assert asked(https, "/_stcore/health")[0] == 200
    with pytest.raises(websockets.exceptions.InvalidStatus):
        websockets.sync.client.connect(f"wss{https[5:]}/_stcore/stream", ssl=UNTRUSTED, subprotocols=["streamlit"])


def test_somebody_signs_in_through_it_and_works(addresses, outside):
    https, _ = addresses
    sign_in(outside, https, "rosa", "/watch")
    settled(outside)
    outside.get_by_role("button", name="Signed in as rosa@lab.example, runner").wait_for()
    ours = [each for each in outside.context.cookies() if each["name"].startswith("_streamlit_user")]
    assert ours
    assert all(each["secure"] and each["httpOnly"] for each in ours)
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in outside.context.cookies())
    status, headers, body = asked(https, "/app/static/plotly.min.js", Cookie=cookie)
    assert (status, len(body) > 1_000_000) == (200, True)
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    outside.goto(f"{https}/datasets")
    settled(outside)
    outside.get_by_label("File").or_(outside.locator("input[type=file]")).first.set_input_files(
        {"name": "points.csv", "mimeType": "text/csv", "buffer": b"x,t,u\n" + b"0.5,0.5,1.0\n" * 50}
    )
    outside.get_by_text("points").first.wait_for()


def test_tokens_pass_and_guesses_are_slowed_down(addresses, home, monkeypatch):
    https, _ = addresses
    monkeypatch.setenv("LAB_HOME", str(home))
    _, token = make("ci", "viewer", 1)
    status, _, body = asked(https, "/api/whoami", Authorization=f"Bearer {token}")
    assert (status, json.loads(body)["role"]) == (200, "viewer")
    seen = set()

    def guess(_):
        if 429 not in seen:
            seen.add(asked(https, "/api/whoami", Authorization="Bearer lab_00000000_x")[0])

    with ThreadPoolExecutor(16) as guessing:
        list(guessing.map(guess, range(1000)))
    assert seen == {401, 429}
