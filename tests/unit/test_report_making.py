"""How reports are made and written: cancelled, late, on a full disk, with a defect, under any name."""

import json
import resource
import signal
import time
from urllib.parse import unquote

import numpy as np
import pytest
from markdown_it import MarkdownIt

from core import apart
from core.errors import LabError
from core.reports import asked as asked_for
from core.reports import making
from core.reports.asked import Asked, Making
from core.reports.blocks import Chart, Line, Report, Section
from core.reports.markdown import markdown
from core.reports.pdf import pdf_bytes

CHART = Chart("a chart", (Line("a", np.arange(3.0), np.arange(3.0), "#000000"),), "x", "y")
REPORT = Report("t", "", (Section("s", (CHART,)),), "")


@pytest.mark.parametrize("name", ["plain_files", "my report_files", "a (b) [c]_files", "100% #1?_files", "é<x>_files"])
def test_a_picture_is_found_whatever_the_reports_file_is_called(name):
    text, pictures = markdown(REPORT, name)
    tokens = MarkdownIt("commonmark").parse(text)
    images = [inner.attrs["src"] for token in tokens for inner in token.children or () if inner.type == "image"]
    assert [unquote(image) for image in images] == list(pictures) == [f"{name}/1.png"]


def test_pictures_of_an_earlier_report_stay_where_there_is_no_room_for_new_ones(tmp_path):
    path = tmp_path / "r.md"
    making._write_markdown(path, "old", {"r_files/1.png": b"old"})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full disk, as far as a file's writer can tell
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        for name in ("r", "other"):
            with pytest.raises(OSError):
                making._write_markdown(
                    tmp_path / f"{name}.md", "new", {f"{name}_files/1.png": b"new", f"{name}_files/2.png": bytes(2000)}
                )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["1.png", "r.md", "r_files"]
    assert path.read_text() == (tmp_path / "r_files" / "1.png").read_text() == "old"


def test_a_report_that_is_late_loses_pictures_and_is_there():
    text, pictures = markdown(REPORT, "files", pictures_until=0.0)
    assert pictures == {}
    assert "a chart*: not drawn, the report took too long" in text
    assert pdf_bytes(REPORT, pictures_until=0.0).startswith(b"%PDF")


def ended(work):
    """What is known of it once it is no longer at work."""
    until = time.monotonic() + 20
    while (known := work.known()).busy and time.monotonic() < until:
        time.sleep(0.01)
    return known


def test_a_cancelled_report_ends_whether_its_child_is_at_work_or_waits(monkeypatch):
    def works(module, arguments, what, seconds, memory, told, **words):
        while True:
            told(0.5)
            time.sleep(0.01)

    monkeypatch.setattr(asked_for, "asked", works)
    many = [Making(Asked("html", (str(k),))) for k in range(3)]  # the third waits for one of the others
    assert all(work.known().busy for work in many)
    for work in reversed(many):
        work.cancel()
        assert "cancelled" in ended(work).error
    assert asked_for.AT_ONCE.acquire(blocking=False)
    asked_for.AT_ONCE.release()


def test_a_defect_in_the_child_is_in_the_servers_log_and_one_line_for_the_visitor(tmp_path, caplog):
    with pytest.raises(LabError) as raised:
        apart.asked("core.reports.asked", [json.dumps({"no": "such"}), str(tmp_path / "r")], "The report", 60, 2**33)
    assert "\n" not in str(raised.value)
    assert "Traceback" in caplog.text
    assert "TypeError" in caplog.text
