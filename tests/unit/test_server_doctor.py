"""What the doctor says of a lab that others reach; the sign-in service and the proxy are plain servers here."""

import json
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.doctor.server_checks import server_findings
from core.people import tokens

METADATA = {"issuer": "here", "authorization_endpoint": "a", "token_endpoint": "t", "jwks_uri": "j"}


class Answers(BaseHTTPRequestHandler):
    """A sign-in service, and a lab that gives `server.open` to anybody."""

    def do_GET(self):
        server = self.server
        if self.path == "/metadata":
            status, body = 200, json.dumps(server.metadata).encode()
        else:
            status, body = (200, b"ok") if self.path in ("/_stcore/health", *server.open) else (401, b"{}")
        self.send_response_only(status)
        self.send_header("Date", formatdate(server.clock, usegmt=True) if server.clock else self.date_time_string())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    served = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    served.metadata, served.open, served.clock = METADATA, (), None
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


@pytest.fixture
def lab(lab_home, server, monkeypatch):
    lab_home.mkdir(exist_ok=True)
    monkeypatch.setenv("LAB_HOME", str(lab_home))
    monkeypatch.delenv("LAB_HOSTS", raising=False)
    (lab_home / "people.yaml").write_text("viewer: [lab]\nadmin: [boss]\n")
    here = f"http://127.0.0.1:{server.server_port}"
    (lab_home / "sign-in.toml").write_text(
        f'[auth]\nredirect_uri = "{here}/oauth2callback"\ncookie_secret = "{"k" * 40}"\nclient_id = "lab"\n'
        f'client_secret = "s"\nserver_metadata_url = "{here}/metadata"\n'
    )
    (lab_home / "sign-in.toml").chmod(0o600)
    return lab_home


def told():
    found = {finding.what: finding for finding in server_findings()}
    assert all(finding.ok or finding.remedy for finding in found.values())
    return found


def test_a_lab_in_order(lab):
    found = told()
    assert list(found) == ["signing in", "secrets", "its name", "sign-in service", "clocks", "tokens", "from outside"]
    assert all(finding.ok for finding in found.values())
    assert "k" * 40 not in str(found)


def test_nothing_more_is_asked_where_nobody_can_sign_in(lab):
    (lab / "sign-in.toml").unlink()
    assert {what: finding.ok for what, finding in told().items()} == {"signing in": False}


def test_files_that_others_read(lab):
    lab.chmod(0o755)
    (lab / "sign-in.toml").chmod(0o644)
    found = told()["secrets"]
    assert not found.ok
    assert f"chmod 600 '{lab}/sign-in.toml'" in found.remedy


def test_a_name_that_the_dashboard_does_not_answer_to(lab, monkeypatch):
    text = (lab / "sign-in.toml").read_text()
    address = next(line for line in text.splitlines() if line.startswith("redirect_uri"))
    (lab / "sign-in.toml").write_text(text.replace(address, 'redirect_uri = "https://lab.invalid/oauth2callback"'))
    found = told()
    assert "LAB_HOSTS=lab.invalid" in found["its name"].remedy
    assert not found["from outside"].ok
    monkeypatch.setenv("LAB_HOSTS", "x.example, lab.invalid")
    assert told()["its name"].ok


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metadata": {"issuer": "x"}}, "lacks authorization_endpoint"),
        ({"metadata": []}, "lacks"),
        ({"metadata": 7}, ""),
    ],
)
def test_a_sign_in_service_that_is_none(lab, server, change, words):
    vars(server).update(change)
    found = told()["sign-in service"]
    assert not found.ok
    assert words in found.detail


def test_a_clock_that_is_off(lab, server):
    server.clock = 1_000_000_000.0
    assert "ahead of the sign-in service" in told()["clocks"].detail


def test_what_stands_open(lab, server):
    server.open = ("/live/board",)
    found = told()["from outside"]
    assert not found.ok
    assert "/live/board" in found.detail


def test_an_admins_token_for_ever_is_named(lab):
    token, _ = tokens.make("old script", "admin", None)
    assert token.id in told()["tokens"].remedy
