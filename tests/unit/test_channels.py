"""Channels told over real sockets: servers that take, refuse, redirect, hang, drip and lie; no error holds a secret."""

import base64
import contextlib
import http.server
import json
import socket
import socketserver
import threading
import time
from email import message_from_string
from email.header import decode_header, make_header

import pytest

from core.errors import LabError
from core.home import home
from core.settings import Email, Settings, Webhook, in_force, parse, save
from core.watchers.channels import channel_named, send
from core.watchers.message import Message
from core.watchers.trying import NotTakenError
from core.watchers.webhook import host_of

MESSAGE = Message("id-1", "diverged", "Diverged: λ <!channel> @all", "Run ab of *poisson2d*: the loss became NaN.", 0.0,
                  "node7", {"id": "ab", "name": "λ", "problem": "poisson2d"})  # fmt: skip
SECRET = "T0K3N-of-the-hook"


class Web(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the server has, and repeats the secret wherever a server can."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers, body))
        self.server.answer(self)

    def log_message(self, *args):
        pass


def says(status, **headers):
    def answer(handler):
        handler.send_response(status, f"no {handler.path}")
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(f"You asked for {handler.path}".encode())

    return answer


@pytest.fixture
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.daemon_threads = True
    server.seen, server.answer = [], says(200)
    server.url = f"http://127.0.0.1:{server.server_port}/hook/{SECRET}?key={SECRET}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def talker(talk):
    """A server that does what `talk` does with each connection; yields its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                talk(self.request)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def hook(url, kind="json"):
    return Webhook(name="ops", kind=kind, url=url)


def refused(channel, limit_s=5.0):
    """The words of a refusal, in which nothing is secret."""
    with pytest.raises(NotTakenError) as error:
        send(channel, MESSAGE, limit_s=limit_s)
    told = f"{error.value!r} {error.value.__cause__!r} {error.value}"
    assert SECRET not in told and "hook" not in told
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return str(error.value)


def test_json_has_all_there_is_to_know_and_an_id(web):
    said = send(hook(web.url), MESSAGE)
    assert said.startswith("HTTP 200 OK")
    path, headers, body = web.seen[0]
    assert path == f"/hook/{SECRET}?key={SECRET}"
    assert headers["Idempotency-Key"] == "id-1" and headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "id": "id-1",
        "kind": "diverged",
        "title": MESSAGE.title,
        "text": MESSAGE.text,
        "time": "1970-01-01T00:00:00.000+00:00",
        "machine": "node7",
        "run": MESSAGE.run,
    }


def test_slack_gets_a_text_that_calls_nobody(web):
    send(hook(web.url, "slack"), MESSAGE, "Europe/Berlin")
    assert json.loads(web.seen[0][2]) == {
        "text": "*Diverged: λ &lt;!channel&gt; @all*\nRun ab of *poisson2d*: the loss became NaN.\n"
        "1970-01-01 01:00:00 Europe/Berlin · node7"
    }


def test_mattermost_gets_a_text_without_markup_of_others(web):
    send(hook(web.url, "mattermost"), MESSAGE)
    text = json.loads(web.seen[0][2])["text"]
    assert "@all" not in text and r"\<\!channel\>" in text and r"\*poisson2d\*" in text


def test_ntfy_gets_plain_text_and_headers(web):
    send(hook(web.url, "ntfy"), MESSAGE)
    _, headers, body = web.seen[0]
    assert str(make_header(decode_header(headers["Title"]))) == MESSAGE.title
    assert (headers["Priority"], headers["Tags"]) == ("4", "warning")
    assert body.decode().splitlines()[0] == MESSAGE.text


def test_user_and_password_of_an_address_are_a_header(web):
    send(hook(web.url.replace("://", "://ann:p%40ss@")), MESSAGE)
    assert base64.b64decode(web.seen[0][1]["Authorization"].split()[1]) == b"ann:p@ss"
    assert "ann" not in web.seen[0][1]["Host"]


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503, 599])
def test_other_answers_are_refusals(web, status):
    web.answer = says(status)
    assert f"HTTP {status}" in refused(hook(web.url))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(web, status):
    reached = []
    with talker(lambda connection: reached.append(connection.recv(10))) as port:
        web.answer = says(status, Location=f"http://127.0.0.1:{port}/elsewhere/{SECRET}")
        assert "not followed" in refused(hook(web.url))
    assert reached == [] and len(web.seen) == 1


def drip(data, every_s=0.02):
    def talk(connection):
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(every_s)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        lambda connection: time.sleep(3),
        drip(b"HTTP/1.1 " + b"2" * 1000),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    ],
    ids=["hangs", "drips", "always continues"],
)
def test_a_server_that_takes_its_time_is_cut_off(talk):
    with talker(talk) as port:
        assert refused(hook(f"http://127.0.0.1:{port}/hook/{SECRET}"), 0.3) == "No answer within 0 s."


def test_a_server_that_has_said_yes_and_drips_on_has_taken_it():
    with talker(drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000, 0.005)) as port:
        assert send(hook(f"http://127.0.0.1:{port}/"), MESSAGE, limit_s=0.3).startswith("HTTP 200")


@pytest.mark.parametrize("data", [b"", b"SSH-2.0 " + SECRET.encode() + b"\r\n", b"HTTP/1.1 999999 x\r\n\r\n",
                                  b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000 + b"\r\n"])  # fmt: skip
def test_what_is_no_answer(data):
    def talk(connection):
        connection.recv(10_000)
        connection.sendall(data)

    with talker(talk) as port:
        assert "can't be understood" in refused(hook(f"http://127.0.0.1:{port}/hook/{SECRET}"))


def test_a_server_that_speaks_no_tls(web):
    assert "TLS" in refused(hook(web.url.replace("http:", "https:")))


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_nobody_listens():
    assert "refused" in refused(hook(f"http://127.0.0.1:{closed_port()}/hook/{SECRET}"))


@pytest.mark.parametrize("address", ["http:///hook/T0K3N-of-the-hook", "http://[::1/hook", "http://x:99999/hook",
                                     "http://x:0/hook", "http://x:port/hook"])  # fmt: skip
def test_addresses_that_are_none(address):
    assert "address can't be used" in refused(hook(address))
    assert SECRET not in host_of(hook(address))


def test_only_the_host_of_an_address_is_shown():
    assert (
        host_of(hook(f"https://ann:{SECRET}@hooks.example.org:8443/{SECRET}?{SECRET}")) == "https://hooks.example.org"
    )


def test_an_unknown_channel_is_named_with_those_there_are():
    with pytest.raises(LabError, match="There are: ops"):
        channel_named(Settings(channels=(hook("http://x/y"),)), "nobody")
    with pytest.raises(LabError, match="None is set up yet"):
        channel_named(Settings(), "nobody")


# -- mail ---------------------------------------------------------------------------------------------------------


class Mailbox:
    """An SMTP server that says what it is told to say, and keeps what it gets."""

    def __init__(self, **answers):
        self.answers, self.mails, self.logins = answers, [], []

    def __call__(self, connection):
        file = connection.makefile("rwb")

        def say(word, line):
            file.write(self.answers.get(word, line).encode() + b"\r\n")
            file.flush()

        say("hello", "220 box")
        for line in file:
            word = line.split()[0].upper().decode()
            if word == "EHLO":
                say("EHLO", "250-box\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                self.logins.append(base64.b64decode(line.split()[2]).decode())
                say("AUTH", "235 in")
            elif word == "DATA":
                if "DATA" in self.answers:
                    say("DATA", "")
                    continue
                say("", "354 go on")
                lines = list(iter(file.readline, b".\r\n"))
                self.mails.append(b"".join(lines).decode())
                say("", "250 taken")
            elif word == "QUIT":
                return say("QUIT", "221 bye")
            else:
                say(word, "250 fine")


def mailbox(port, **fields):
    return Email(name="mail", kind="email", host="127.0.0.1", port=port, security="none", sender="lab@example.org",
                 to="ann@example.org, bo@example.org", **fields)  # fmt: skip


def test_a_mail_arrives_with_its_login(monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", SECRET)
    box = Mailbox()
    with talker(box) as port:
        said = send(mailbox(port, user="lab", password_variable="MAIL_PASSWORD"), MESSAGE)
    assert said.startswith("taken for 2 of 2 recipients")
    mail = message_from_string(box.mails[0])
    assert str(make_header(decode_header(mail["Subject"]))) == MESSAGE.title
    assert mail["Message-ID"] == "<id-1@singularity-lab.invalid>"
    assert MESSAGE.text in mail.get_payload(decode=True).decode()
    assert box.logins == [f"\0lab\0{SECRET}"]


@pytest.mark.parametrize(
    "answers, words",
    [
        ({"AUTH": f"535 {SECRET} is wrong"}, "user and password (SMTP 535)"),
        ({"RCPT": f"550 {SECRET}"}, "none of the recipients (SMTP 550)"),
        ({"MAIL": f"553 {SECRET}"}, "the sender (SMTP 553)"),
        ({"DATA": f"552 {SECRET}"}, "the message (SMTP 552)"),
        ({"hello": f"554 {SECRET}"}, "refuses the connection (SMTP 554)"),
        ({"hello": f"hook {SECRET}"}, "refuses the connection"),
    ],
)
def test_a_mail_server_that_refuses(monkeypatch, answers, words):
    monkeypatch.setenv("MAIL_PASSWORD", SECRET)
    with talker(Mailbox(**answers)) as port:
        assert words in refused(mailbox(port, user="lab", password_variable="MAIL_PASSWORD"))


def test_a_mail_server_that_drips_or_hangs_is_cut_off():
    for talk in (drip(b"220-" + b"y" * 1000), lambda connection: time.sleep(3)):
        with talker(talk) as port:
            assert refused(mailbox(port), 0.3) == "No answer within 0 s."


def test_mail_without_its_password_or_server(monkeypatch):
    monkeypatch.delenv("MAIL_PASSWORD", raising=False)
    assert "MAIL_PASSWORD" in refused(mailbox(1, user="lab", password_variable="MAIL_PASSWORD"))
    assert "refused" in refused(mailbox(closed_port()))
    with talker(Mailbox()) as port:
        assert "STARTTLS" in refused(mailbox(port).model_copy(update={"security": "starttls"}))
        assert "TLS" in refused(mailbox(port).model_copy(update={"security": "tls"}))


@pytest.mark.parametrize(
    "text",
    [
        "channels: [{kind: slack, name: ops, url:https://hooks.example.org/T0K3N-of-the-hook}]",
        "channels: [{kind: slack, name: ops, url: hooks.example.org/T0K3N-of-the-hook}]",
        "channels: [{kind: slack, name: ops, url: [https://hooks.example.org/T0K3N-of-the-hook",
        "channels: [{kind: T0K3N-of-the-hook, name: ops}]",
        "channels: [T0K3N-of-the-hook]",
        "channels: T0K3N-of-the-hook",
        "channels: [{kind: email, name: m, password_variable: T0K3N-of-the-hook}]",
    ],
)
def test_settings_that_do_not_validate_tell_no_secret(text):
    file = home().ensure().settings_file
    file.write_text(text)
    fault = in_force().fault
    assert "does not validate" in fault and SECRET not in fault


@pytest.mark.parametrize(
    "data, words",
    [
        ({"disk": {"least_free_mb": 1}}, "disk.least_free_mb: 1 is not allowed"),
        ({"disk": 5}, "disk: 5 is not allowed"),
        ({"channels": [{"kind": "json", "name": "n", "url": "x"}]}, "should be an address that begins with https://"),
        ({"channels": [{"kind": "json", "name": ".n", "url": "http://x"}]}, "channels.0.name: it should be 1 to 40"),
        ({"watch": [{"kind": "disk", "tell": ["a/b"]}]}, "watch.0.tell.0: it should be 1 to 40 letters"),
    ],
)
def test_a_fault_names_the_field_and_what_it_should_be(data, words):
    with pytest.raises(LabError) as raised:
        parse(data)
    assert words in str(raised.value) and "pattern" not in str(raised.value)


def test_the_command_says_what_came_back(web, command_line):
    save(Settings(channels=(hook(web.url), Webhook(name="away", url=f"http://127.0.0.1:{closed_port()}/{SECRET}"))))
    told = command_line("notify", "ops")
    assert told.returncode == 0 and told.stdout.startswith("ops: HTTP 200 OK")
    assert json.loads(web.seen[0][2])["kind"] == "test"
    refusal = command_line("notify", "away")
    assert refusal.returncode == 2 and "Channel away did not take it." in refusal.stderr
    unknown = command_line("notify", "nobody")
    assert unknown.returncode == 2 and "There are: ops, away." in unknown.stderr
    assert SECRET not in refusal.stderr + unknown.stderr + told.stdout
