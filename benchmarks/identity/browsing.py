"""What somebody does at the sign-in service of the tests, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page


def sign_in(page: Page, lab: str, account: str, to: str = "/") -> None:
    """Go to a page of the lab, sign in with an account, and be led back."""
    page.goto(f"{lab}{to}")
    page.get_by_role("link", name="Sign in").click()
    fill_in(page, account)
    page.wait_for_url(lambda address: address.startswith(lab) and "callback" not in address)


def fill_in(page: Page, account: str) -> None:
    """The provider's two forms: who one is, and that the lab may know."""
    page.locator("input[name=login]").fill(account)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
