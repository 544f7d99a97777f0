"""The documentation: its reference is that of the models, it builds without a warning, its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.config_reference import TARGET, written

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s#]+)(#[^)\s]*)?\)")


def test_the_reference_is_that_of_the_models():
    assert TARGET.read_text(encoding="utf-8") == written(), "run: python -m docs.config_reference"


def test_the_reference_says_something_of_every_field():
    empty = [line for line in written().splitlines() if line.startswith("| ") and line.endswith("|  |")]
    assert empty == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    links = [target for target, _ in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in target]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_it_builds_without_a_warning(tmp_path):
    """Sphinx warns of links to headings that are not there, of pages that no list has, of broken markup."""
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "docs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    built = (tmp_path / "index.html").read_text(encoding="utf-8")
    fetched = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(https?://[^\"]+)", built)
    assert fetched == [], "a page fetches something from elsewhere"
