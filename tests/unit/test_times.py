"""Times of day are the viewer's, and say whose they are."""

import datetime as dt
from types import SimpleNamespace

import pytest

from pages.parts.shared import times

MOMENT = 1_800_000_000.0  # 2027-01-15 08:00 UTC


@pytest.fixture
def viewer(monkeypatch):
    """A setter of the browser's time zone."""

    def live_in(zone):
        monkeypatch.setattr(times, "st", SimpleNamespace(context=SimpleNamespace(timezone=zone)))

    return live_in


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Kolkata", "2027-01-15 13:30:00 Asia/Kolkata"),
        ("America/New_York", "2027-01-15 03:00:00 America/New_York"),
        ("UTC", "2027-01-15 08:00:00 UTC"),
        (None, "2027-01-15 08:00:00 UTC"),
        ("", "2027-01-15 08:00:00 UTC"),
        ("Mars/Olympus", "2027-01-15 08:00:00 UTC"),
        ("../../etc/passwd", "2027-01-15 08:00:00 UTC"),
        ("a\x00b", "2027-01-15 08:00:00 UTC"),
    ],
)
def test_a_time_is_that_of_the_viewer_and_names_the_zone(viewer, zone, shown, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")  # the server's, which is nobody's business
    viewer(zone)
    assert times.moment_text(MOMENT) == shown
    assert times.iso_text(dt.datetime.fromtimestamp(MOMENT, dt.UTC).isoformat()) == shown


def test_what_is_no_time_with_a_zone_stays_as_it_is_written(viewer):
    viewer("Asia/Kolkata")
    for text in ("yesterday", "", "2027-01-15T08:00:00", "<b>"):
        assert times.iso_text(text) == text


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_the_viewer_has_none_for_is_left_as_it_stands(viewer, text):
    viewer("Pacific/Kiritimati" if text[0] == "9" else "America/New_York")
    assert times.iso_text(text) == text
