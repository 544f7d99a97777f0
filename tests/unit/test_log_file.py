"""A log as pages read it: its end, what is new, and lines found from the end backwards."""

import pytest

from core.runs import RunFolder, log_file
from core.runs.log_file import news, search


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def print_to(folder, data):
    with folder.open_log() as file:
        file.write(data)


def test_parts_add_up_to_the_log_and_characters_are_whole(folder):
    assert news(folder, None).text == ""
    text, at = "", None
    for piece in ("one\n", "λ → ", "ü" * 50, "\n", "end"):
        for byte in piece.encode():
            print_to(folder, bytes([byte]))
            part = news(folder, at)
            assert at is None or part.start == at
            text, at = text + part.text, part.end
    assert text == folder.file("log.txt").read_text()


def test_of_a_long_log_its_newest_whole_lines(folder, monkeypatch):
    monkeypatch.setattr(log_file, "NEWEST", 100)
    print_to(folder, b"".join(b"line %05d\n" % k for k in range(1000)))
    part = news(folder, None)
    assert part.text.startswith("line 00991\n")
    assert (part.start, part.end, part.size) == (10_901, 11_000, 11_000)
    assert news(folder, 10_990).text == "line 00999\n"[1:] or news(folder, 10_989).text == "line 00999\n"
    for lost in (5, 20_000):  # more was printed than is given at once, or the log was replaced
        assert news(folder, lost) == part


def test_control_characters_are_written_out(folder):
    print_to(folder, b"a\tb\r\n\x1b[31mred\xff\n")
    assert news(folder, None).text == "a    b\n\\x1b[31mred\ufffd\n"


@pytest.mark.parametrize("piece", [7, 64, 1000, 10**6])
def test_search_finds_what_a_plain_search_finds(folder, monkeypatch, piece):
    monkeypatch.setattr(log_file, "PIECE", piece)
    lines = [f"{k} {'Loss' if k % 3 else 'stage'} {'x' * (k % 11)}" for k in range(300)]
    print_to(folder, "\n".join(lines).encode())
    wanted = [line for line in lines if "loss" in line.lower()]
    if piece > 20:  # a line as long as the piece is cut
        assert search(folder, "LOSS").lines == wanted
    assert search(folder, "nowhere").lines == []
    assert search(folder, "nowhere").start == 0


def test_search_goes_on_where_it_stopped(folder, monkeypatch):
    monkeypatch.setattr(log_file, "PIECE", 200)
    monkeypatch.setattr(log_file, "SEARCHED", 1000)
    monkeypatch.setattr(log_file, "MOST_FOUND", 7)
    lines = [f"{k} {'yes' if k % 2 else 'no'}" for k in range(500)]
    print_to(folder, "\n".join(lines).encode())
    found, before, asked = [], None, 0
    while before != 0:
        part = search(folder, "yes", before)
        assert len(part.lines) <= 7
        assert part.end - part.start <= 1200
        found, before, asked = part.lines + found, part.start, asked + 1
    assert found == [line for line in lines if "yes" in line]
    assert asked > 30
    assert search(folder, "yes", 10**12).lines == found[-7:]
