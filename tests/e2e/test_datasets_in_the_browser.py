"""What a visitor does with datasets in a real browser without internet."""

import pytest
from playwright.sync_api import expect

from core.datasets import digests_of
from core.problems.burgers_inverse import SAMPLE, sample_csv
from tests.e2e.conftest import settled

pytestmark = pytest.mark.e2e

LONG = 60_000


def test_from_an_empty_lab_to_a_run_that_can_be_launched(common, page, tmp_path):
    page.goto(f"{common.url}/datasets")
    settled(page)
    expect(page.get_by_text("No datasets yet.")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Make the sample dataset").click()
    expect(page.get_by_test_id("stCode")).to_contain_text(digests_of(sample_csv()).git_blob, timeout=LONG)
    assert (common.home / "data" / SAMPLE).read_bytes() == sample_csv()

    newer = sample_csv(0.1, 40)
    (tmp_path / SAMPLE).write_bytes(newer)
    page.locator("input[type=file]").set_input_files(tmp_path / SAMPLE)
    add = page.get_by_role("button", name="Add", exact=True)
    expect(page.get_by_text("What the columns are")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("40 rows.")).to_be_visible(timeout=LONG)
    expect(add).to_be_enabled(timeout=LONG)
    add.click()
    expect(page.get_by_text("with other content")).to_be_visible(timeout=LONG)
    page.get_by_text("Replace a dataset of this name").click()
    settled(page)
    add.click()
    expect(page.get_by_test_id("stCode")).to_contain_text(digests_of(newer).git_blob, timeout=LONG)
    expect(page.get_by_text("replaced, version")).to_be_visible(timeout=LONG)

    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    assert download.value.path().read_bytes() == newer
    assert download.value.suggested_filename == SAMPLE

    page.get_by_role("button", name="Use in a run").click()
    expect(page.get_by_label("Dataset", exact=True)).to_have_value(SAMPLE, timeout=LONG)
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_enabled(timeout=LONG)
