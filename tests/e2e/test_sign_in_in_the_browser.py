"""People who sign in, with a real browser at a certified OpenID Connect provider."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
import websockets.exceptions
import websockets.sync.client
from playwright.sync_api import expect

from benchmarks.identity import POLICY, NoProviderError, lab
from benchmarks.identity.browsing import fill_in, sign_in
from core import jobs
from core.people.register import changing
from core.presets import resolve
from tests.conftest import lay_out
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def home(fresh_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("people") / "lab"
    lay_out(folder, fresh_store)
    return folder


@pytest.fixture(scope="module")
def address(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        try:
            with lab(home) as origin:
                yield origin
        except NoProviderError as error:
            pytest.skip(str(error))


@pytest.fixture(autouse=True)
def nobody_is_kept_out(home, address, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(home))
    yield
    (home / "people.yaml").write_text(POLICY)
    with changing() as held:
        held["denied"].clear()


def asked(address, path, method="GET", body=None, **headers):
    """Status and body of a plain request."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read()


def cookies(page):
    return "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())


def socket(address, cookie="", origin=None):
    return websockets.sync.client.connect(
        f"{address.replace('http', 'ws')}/_stcore/stream",
        subprotocols=["streamlit"],
        origin=origin or address,
        additional_headers={"Cookie": cookie} if cookie else {},
        open_timeout=20,
    )


def test_nobody_reaches_anything_before_signing_in(address):
    for path in ("/", "/watch", "/live/board", "/media/x.png", "/app/static/plotly.min.js", "/static/js/x.js",
                 "/_stcore/host-config", "/component/x/y", "/_stcore/metrics", "/_stcore/upload_file/a/b"):  # fmt: skip
        assert asked(address, path)[0] == 401, path
    assert asked(address, "/_stcore/upload_file/a/b", "PUT")[0] == 401
    assert asked(address, "/_stcore/health")[0] == 200
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        socket(address)
    assert refused.value.response.status_code == 403


def test_somebody_signs_in_where_they_wanted_to_go_and_out_for_good(address, page):
    sign_in(page, address, "ada", "/compare?x=1")
    settled(page)
    assert urlsplit(page.url).path == "/compare"
    page.get_by_role("button", name="Signed in as ada@lab.example, admin").click()
    expect(page.get_by_text("may do everything")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
    copied = cookies(page)
    assert asked(address, "/live/board", Cookie=copied)[0] == 200
    with socket(address, copied):
        pass
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert asked(address, "/live/board", Cookie=copied)[0] == 401, "a copy of the cookie is worth nothing"


def test_a_viewer_may_look_and_not_touch(address, page):
    sign_in(page, address, "vic")
    settled(page)
    expect(page.get_by_role("heading", name="Watch")).to_be_visible()
    for name in ("Launch", "Settings", "Launch a run"):
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    row = page.locator(f'.board-list [data-run="{jobs.submit(resolve("poisson2d-quick"), held=True)}"]')
    page.goto(f"{address}/watch")
    expect(row).to_be_visible()
    for steering in (row.locator(".grip"), row.locator(".more")):
        expect(steering).to_be_hidden()
    row.click(button="right")
    expect(page.locator(".board-list .menu")).to_be_hidden()
    page.goto(f"{address}/settings")
    settled(page)
    expect(page.get_by_text("This takes the role admin, and vic@lab.example has viewer here.")).to_be_visible()


def test_whoever_has_no_role_is_told_so(address, page):
    page.goto(address)
    page.get_by_role("link", name="Sign in").click()
    fill_in(page, "eve")
    expect(page.get_by_text("in no group that has a role in this lab")).to_be_visible()
    expect(page.get_by_role("link", name="Sign out")).to_be_visible()
    assert asked(address, "/live/board", Cookie=cookies(page))[0] == 403


def test_a_session_ends_with_its_age(address, home, page):
    sign_in(page, address, "rosa", "/watch")
    settled(page)
    (home / "people.yaml").write_text(POLICY + "max_age_hours: 0.0001\n")
    expect(page.get_by_text("You signed in too long ago")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()


def test_whoever_is_kept_out_is_out_in_the_open_tab_too(address, home, page):
    sign_in(page, address, "rosa", "/watch")
    settled(page)
    cookie = cookies(page)
    with socket(address, cookie) as line:
        with changing() as held:
            held["denied"]["rosa"] = {"at": 0.0, "by": "the test", "why": ""}
        line.send(b"")  # as a click, or a part of the page that draws itself again
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            while True:
                line.recv(timeout=20)
        assert closed.value.rcvd.code == 1008
    expect(page.get_by_text("This account is kept out of the lab")).to_be_visible()
    status, body = asked(address, "/live/notices", Cookie=cookie)
    assert (status, json.loads(body)["signed_out"]) == (403, True)
    page.reload()
    expect(page.get_by_text("This account is kept out of the lab")).to_be_visible()


def test_a_websocket_of_another_origin_is_refused_whoever_it_is(address, page):
    sign_in(page, address, "ada", "/watch")
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        socket(address, cookies(page), origin="http://127.0.0.1:1")
    assert refused.value.response.status_code == 403
