"""An equation typed with a keyboard: formulas follow, a typo is told where it stands, and the run finishes."""

import re

import pytest
from playwright.sync_api import expect

from core import jobs
from tests.e2e.conftest import choose, settled

pytestmark = pytest.mark.e2e


def test_an_equation_is_typed_mended_and_solved(common, page):
    page.goto(f"{common.url}/equation")
    settled(page)
    page.get_by_role("button", name="Start blank").click()
    expect(page.get_by_text("What you type is set here as mathematics.")).to_be_visible()

    def field(label, number=0):
        return page.get_by_role("textbox", name=label, exact=True).nth(number)

    # nothing but keys that make letters: a pause is enough for the page to follow, and the focus stays
    formulas = page.locator("[class*='st-key-equation-formulas']")
    equations = field("Equations, one a line")
    equations.click()
    page.keyboard.type("c*u_xx = -c*pi^2*sinn")
    expect(formulas.locator(".katex").first).to_be_visible()
    page.keyboard.type("(pi*x)")
    expect(page.get_by_text("unknown function 'sinn'")).to_be_visible()
    expect(equations).to_be_focused()
    field("Parameters").click()
    page.keyboard.type("c = 2")
    for number, end in enumerate(("0", "1")):
        field("Where", number).fill(f"x = {end}")
        field("What holds there", number).fill("u = 0")
    told = page.locator("[class*='st-key-equation-fault'] [data-testid='stCode']")
    expect(told).to_have_count(1)  # others go as the rest arrives
    expect(told).to_contain_text("^^^^")
    expect(page.get_by_role("button", name="Launch", exact=True)).to_be_disabled()

    equations.fill("c*u_xx = -c*pi^2*sin(pi*x)")
    expect(page.get_by_text("second order; linear")).to_be_visible()
    assert r"c \, u_{xx} &= -c \, \pi^{2}" in formulas.locator("annotation").first.text_content()
    field("Exact u").fill("sin(pi*x)")
    field("Name of the run").fill("typed in the browser")
    launch = page.get_by_role("button", name="Launch", exact=True)
    expect(launch).to_be_enabled()
    field("Name of the run").press("Enter")
    settled(page)
    launch.click()
    page.wait_for_url("**/watch?run=*")
    run_id = re.search(r"run=([0-9a-f]{32})", page.url).group(1)
    expect(page.get_by_text("typed in the browser").first).to_be_visible()
    expect(page.get_by_role("heading", name="finished")).to_be_visible(timeout=120_000)
    assert jobs.status(run_id).name == "typed in the browser"
    relative = re.search(r"relative L2 error \| (\S+)", jobs.status(run_id).folder.summary.read_text())
    assert float(relative[1]) < 1e-10

    # what was typed is still there
    page.get_by_role("link", name="Equation").click()
    expect(field("Exact u")).to_have_value("sin(pi*x)")


def test_a_polygon_is_drawn_with_the_mouse(common, page):
    page.goto(f"{common.url}/equation")
    settled(page)
    page.get_by_role("button", name="Start blank").click()
    expect(page.get_by_text("What you type is set here as mathematics.")).to_be_visible()
    choose(page, "Domain", "polygon")
    vertices = page.get_by_role("textbox", name="Vertices, one a line")
    expect(vertices).to_have_value("0, 0\n2, 0\n2, 1\n1, 1\n1, 2\n0, 2")
    corners = page.locator(".polygon circle")
    expect(corners).to_have_count(6)

    def middle(place):
        box = place.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    (x, y), (right, _), (_, top) = (middle(corners.nth(k)) for k in (0, 1, 5))
    page.mouse.dblclick(*middle(corners.nth(3)))  # the re-entrant corner goes
    expect(vertices).to_have_value("0, 0\n2, 0\n2, 1\n1, 2\n0, 2")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + (right - x) / 4, y, steps=3)
    page.mouse.up()
    expect(vertices).to_have_value("0.5, 0\n2, 0\n2, 1\n1, 2\n0, 2")
    page.mouse.click((x + right) / 2 + (right - x) / 8, y)  # on the lowest side
    expect(vertices).to_have_value("0.5, 0\n1.25, 0\n2, 0\n2, 1\n1, 2\n0, 2")
    expect(corners).to_have_count(6)
    assert abs(middle(corners.nth(5))[1] - top) < 2  # what stayed stands where it stood
    vertices.fill("0, 0\n1, 1\n1, 0\n0, 1")
    expect(page.get_by_text("the polygon cuts itself")).to_be_visible()
