"""The dashboard in a real browser (Debian's Chromium), served by a real daemon."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_daemon import filled as filled
from dashboard_daemon import link_of, running
from missing import missing
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from running_daemon import RunningDaemon, environ_for, halfwatt

from halfwatt.daemon.dashboard.routes import COOKIE

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
pytestmark = pytest.mark.browser


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[RunningDaemon]:
    with running(environ_for(tmp_path)) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        missing("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def opened(browser: Browser, daemon: RunningDaemon, **look: object) -> tuple[Page, list[str]]:
    """The page after its link was followed, and everything that went wrong or beyond the daemon meanwhile."""
    page = browser.new_page(**look)  # type: ignore[arg-type]  # a test's own options
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request", lambda sent: None if sent.url.startswith(daemon.url) else problems.append(f"outside: {sent.url}")
    )
    page.goto(link_of(daemon))
    page.wait_for_url(f"{daemon.url}/")
    return page, problems


def test_page_shows_the_ledger_without_errors_or_outside_requests(browser: Browser, filled: RunningDaemon) -> None:
    page, problems = opened(browser, filled)
    page.get_by_label("Show").select_option("30d")
    expect(page.get_by_role("status")).to_contain_text("401 requests")
    expect(page.locator("#tiles")).to_contain_text("Saved against gpt-4o-mini")
    expect(page.locator("#used svg rect").first).to_be_visible()
    expect(page.get_by_role("region", name="By tier")).to_contain_text("local")
    expect(page.get_by_role("region", name="By editor")).to_contain_text("neovim")
    expect(page.get_by_role("region", name="Predicted against observed")).to_contain_text("91 %")
    expect(page.get_by_role("region", name="The latest")).to_contain_text("likely to pass")
    expect(page.get_by_role("region", name="The latest")).to_contain_text(
        "unknown"
    )  # the request nobody could estimate
    expect(page.get_by_text("Meter: CPU seconds")).to_be_visible()
    assert page.title() == "halfwatt: energy"  # a reason with a script in it is text
    assert problems == []


def test_every_span_can_be_chosen(browser: Browser, filled: RunningDaemon) -> None:
    page, problems = opened(browser, filled)
    for span in ("1d", "7d", "30d", "365d", "all"):
        page.get_by_label("Show").select_option(span)
        expect(page.get_by_role("status")).to_contain_text("requests, as of")
    assert problems == []


def test_late_answer_to_an_older_choice_is_dropped(browser: Browser, filled: RunningDaemon) -> None:
    page, _ = opened(browser, filled)
    expect(page.get_by_role("status")).to_contain_text("requests, as of")
    held: list[Route] = []
    page.route("**/dashboard/data?span=1d", lambda route: held.append(route))
    page.get_by_label("Show").select_option("1d")
    page.get_by_label("Show").select_option("all")
    expect(page.get_by_role("status")).to_contain_text("401 requests")
    with page.expect_response("**/dashboard/data?span=1d"):
        held[0].continue_()
    expect(page.get_by_role("status")).to_contain_text("401 requests")


def test_empty_ledger_teaches(browser: Browser, empty: RunningDaemon) -> None:
    page, problems = opened(browser, empty)
    expect(page.get_by_role("heading", name="Nothing is booked yet")).to_be_visible()
    expect(page.get_by_text("halfwatt generate FILE:LINE")).to_be_visible()
    expect(page.locator("#filled")).to_be_hidden()
    assert problems == []


def test_page_works_by_keyboard_alone(browser: Browser, filled: RunningDaemon) -> None:
    page, _ = opened(browser, filled)
    expect(page.get_by_role("status")).to_contain_text("requests, as of")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the numbers")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Show")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("requests, as of")
    page.locator("#used summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Joules used over time")).to_be_visible()


def test_everything_has_a_name_for_screen_readers(browser: Browser, filled: RunningDaemon) -> None:
    page, _ = opened(browser, filled)
    expect(page.get_by_role("status")).to_contain_text("requests, as of")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('svg[role=img], [role=region], section, select, button, table')]
            .filter((e) => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.labels?.length
                || e.textContent.trim())).length"""
    )
    assert unnamed == 0
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("table th:not([scope])").count() == 0
    for heading in ("In sum", "Used over time", "Saved over time", "Latest decisions"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_light_and_dark(browser: Browser, filled: RunningDaemon, scheme: str) -> None:
    page, _ = opened(browser, filled, color_scheme=scheme)
    expect(page.get_by_role("status")).to_contain_text("requests, as of")
    worst = page.evaluate(
        """() => {
            const light = (c) => { const v = c.match(/[\\d.]+/g).slice(0, 3).map((x) => x / 255)
                .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
                return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
            const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
                if (c !== 'rgba(0, 0, 0, 0)') return c; } return 'rgb(255, 255, 255)'; };
            return Math.min(...[...document.querySelectorAll('h1, h2, p, dt, dd, th, td, li, button, select, summary')]
                .filter((e) => e.offsetParent && e.textContent.trim()).map((e) => {
                    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
                    return (a + 0.05) / (b + 0.05); })); }"""
    )
    assert worst >= 4.5


def test_narrow_screen_scrolls_tables_not_the_page(browser: Browser, filled: RunningDaemon) -> None:
    page, _ = opened(browser, filled, viewport={"width": 320, "height": 700})
    expect(page.get_by_role("status")).to_contain_text("requests, as of")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_link_works_once_and_the_cookie_is_out_of_reach(browser: Browser, filled: RunningDaemon) -> None:
    context = browser.new_context()
    page = context.new_page()
    link = link_of(filled)
    page.goto(link)
    page.wait_for_url(f"{filled.url}/")
    cookie = next(each for each in context.cookies() if each["name"] == COOKIE)
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert page.evaluate("document.cookie") == ""
    other = browser.new_page()
    reply = other.goto(link)
    assert reply is not None
    assert reply.status == 401
    expect(other.get_by_role("heading", name="This page needs a fresh link")).to_be_visible()


def test_daemon_that_has_ended_is_named(browser: Browser, empty: RunningDaemon) -> None:
    page, _ = opened(browser, empty)
    expect(page.get_by_role("heading", name="Nothing is booked yet")).to_be_visible()
    assert halfwatt(empty.environ, "daemon", "stop").returncode == 0
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("status")).to_contain_text("The daemon does not answer")
