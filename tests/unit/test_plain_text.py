"""Texts from anywhere as people see them: no control character, no secret, no more than one reads."""

import io
import logging
import subprocess
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError, LabError
from core.plain_text import LONGEST, fit_to_show, has_control, keep_secrets_out_of_logs, printable, scrubbed, shortened

PASSWORD = "p@ss:w0rd/ß"
ENCODED = "p%40ss%3Aw0rd%2F%C3%9F"
ENVIRONMENT = {
    "MLFLOW_TRACKING_URI": f"http://lab:{ENCODED}@store.example:5000/?token=abcdef123&x=1",
    "MLFLOW_TRACKING_TOKEN": "tok/en+123456",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
    "PATH": "/usr/bin",
    "LAB_HOME": "/home/someone",
}
SECRETS = (PASSWORD, ENCODED, "abcdef123", "tok/en+123456", "tok%2Fen%2B123456", "wJalrXUtnFEMI")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "the word {} there", "x={}&y", "'{}'", "url: /?a={}"])
def test_what_the_environment_holds_secret_is_struck_out(secret, around):
    assert secret not in scrubbed(around.format(secret), ENVIRONMENT)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://user:SECRET@host/db",
        "postgresql+psycopg2://user:SEC/RET@host:5432/db?sslmode=require",
        "mysql+pymysql://:SECRET@host/db",
        "https://x-access-token:SECRET@github.com/a/b.git",
        "https://SECRET@github.com/a/b.git",
        "GET http://host/api?token=SECRET&name=x",
        "http://host/?api_key=SECRET",
        "http://host/?access%5Ftoken=x&X-Amz-Signature=SECRET",
        "postgresql://host/db?user=a&password=SECRET",
        "Authorization: Bearer SECRET",
        "{'Authorization': 'Basic SECRET'}",
        "could not translate host name: password=SECRET host=x",
        "connect(host='x', password='SECRET')",
        '{"token": "SECRET"}',
    ],
)
def test_what_looks_like_a_secret_is_struck_out(text):
    found = scrubbed(text, {})
    assert "SECRET" not in found and "SEC/RET" not in found
    assert "***" in found


@pytest.mark.parametrize(
    "text",
    [
        "max residual 1.0e-12", "sqlite:////home/me@work/lab.db", "git@github.com:a/b", "write to me@home.example",
        "tokens: 3", "https://github.com/a/b", "λ = 0.6057(1)", "stages.0.iterations=200", "seed=3", "a: b", "x@y:z",
    ],
)  # fmt: skip
def test_everything_else_stays(text):
    assert scrubbed(text, {}) == text


def test_a_databricks_address_is_all_secret():
    uri = "databricks://dapi0123"
    assert "dapi0123" not in scrubbed(f"no profile dapi0123 in {uri}", {"MLFLOW_TRACKING_URI": uri})


def test_short_words_that_happen_to_be_secrets_strike_nothing():
    assert scrubbed("a run", {"MLFLOW_TRACKING_PASSWORD": "run"}) == "a run"


@given(st.text())
def test_what_is_printable_moves_no_terminal(text):
    found = printable(text)
    assert not has_control(found)
    found.encode()
    assert printable(found) == found
    assert "\n" not in found


def test_printable_says_what_was_there():
    assert printable("a\nb\t\x1b[31m\x9b\u202e\ud800λ") == "a\\nb\\t\\x1b[31m\\x9b\\u202e\\ud800λ"
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@given(st.text(max_size=50), st.integers(0, 10**5))
def test_what_is_shortened_keeps_head_and_tail_and_stays(text, times):
    long = text * times
    found = shortened(long)
    assert len(found) <= LONGEST
    assert shortened(found) == found
    if len(long) > LONGEST:
        assert found[:900] == long[:900] and found[-300:] == long[-300:]
        assert "characters left out" in found


def test_an_error_is_fit_to_show(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://lab:hunter22@h")
    error = LabError("hunter22 \x1b[2J" + "x" * 900_000)
    assert len(str(error)) <= LONGEST
    assert "hunter22" not in str(error) and "\x1b" not in str(error)
    assert "hunter22" not in "".join(traceback.format_exception(error))
    assert str(LabError()) == ""
    many = ConfigError(["x" * 10_000] * 10_000)
    assert len(str(many)) <= LONGEST and sum(map(len, many.problems)) < 20_000
    assert fit_to_show("a\nb") == "a\nb"


def test_logs_hold_no_secret(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hunter22")
    before = logging.getLogRecordFactory()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logger = logging.getLogger("tests.secrets")
    logger.addHandler(handler)
    try:
        keep_secrets_out_of_logs()
        keep_secrets_out_of_logs()
        logger.warning("retrying %s with %d", "http://lab:other@h/?token=hunter22", 3)
        try:
            raise ValueError("postgresql://u:third33@h/db")
        except ValueError:
            logger.exception("it failed")
        logger.warning("plain %s", "words")
    finally:
        logging.setLogRecordFactory(before)
        logger.removeHandler(handler)
    text = written.getvalue()
    assert not any(secret in text for secret in ("hunter22", "other", "third33"))
    assert "retrying http://***@h/?token=*** with 3" in text
    assert "ValueError: postgresql://***@h/db" in text and "plain words" in text


def test_the_traceback_that_ends_a_process_holds_no_secret():
    code = (
        "from core.plain_text import keep_secrets_out_of_tracebacks as keep\nkeep()\n"
        "raise ValueError('http://lab:' + 'hunter' + '22@h')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ValueError: http://***@h" in done.stderr and "hunter22" not in done.stderr
