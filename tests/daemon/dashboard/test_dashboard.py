"""The dashboard in a real browser (Debian's Chromium), served by a real daemon."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx2
import msgspec
import pytest
from energy_rows import row
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from running_daemon import RunningDaemon, environ_for, halfwatt

from halfwatt.daemon.client.runtime_files import read_address, read_token
from halfwatt.daemon.dashboard import data as dashboard_data
from halfwatt.daemon.dashboard.routes import COOKIE, DATA_PATH, LINK_LIFE_S, LOGIN_PATH, Sessions
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.paths import user_paths
from halfwatt.daemon.wire import Feedback, Outcome

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
needs_chromium = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is missing: apt-get install chromium")
REASONS = ("local · 91 % likely to pass", "<script>document.title='broken'</script> & \"quotes\"")


def fill(ledger: Ledger, now_s: float, n_requests: int = 400) -> None:
    """A month of work: two tiers, three languages, two editors, answers taken and left."""
    dice = random.Random(7)  # noqa: S311 - made-up rows, no secrets
    fates: tuple[Outcome | None, ...] = ("accepted", "accepted", "rejected", "ignored", None)
    for i in range(n_requests):
        away = dice.random() < 0.25
        ledger.insert(
            row(
                f"r{i}",
                now_s - dice.random() ** 2 * 28 * 86400,
                local_j=None if away else dice.uniform(3, 60),
                cloud_j=dice.uniform(9, 40) if away else None,
                kind="cloud" if away else "local",
                editor=dice.choice(("vscode", "neovim")),
                language=dice.choice(("python", "typescript", None)),
                request_kind=dice.choice(("complete", "generate")),
                total_ms=dice.uniform(90, 4000),
                reason=REASONS[i % 2],
            )
        )
        fate = dice.choice(fates)
        if fate:
            ledger.record_outcome(Feedback(f"r{i}", fate, 80 if fate == "accepted" else None))
    ledger.insert(row("lost", now_s - 60, kind="cloud", unknown_cloud=True, language="go"))


@contextmanager
def running(environ: dict[str, str]) -> Iterator[RunningDaemon]:
    """A daemon started and ended by the command line: Playwright keeps this process's event loop busy."""
    paths = user_paths(environ)
    started = halfwatt(environ, "daemon", "start")
    assert started.returncode == 0, started.stderr
    try:
        address = read_address(paths)
        assert address is not None
        yield RunningDaemon(paths, environ, address.url, read_token(paths) or "", address.pid)
    finally:
        halfwatt(environ, "daemon", "stop")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    environ = environ_for(tmp_path_factory.mktemp("filled"))
    ledger = Ledger(user_paths(environ).ledger_file)
    fill(ledger, time.time())
    ledger.close()
    with running(environ) as daemon:
        yield daemon


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[RunningDaemon]:
    with running(environ_for(tmp_path)) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def link_of(daemon: RunningDaemon) -> str:
    done = halfwatt(daemon.environ, "dashboard", "--print")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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


@needs_chromium
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


@needs_chromium
def test_every_span_can_be_chosen(browser: Browser, filled: RunningDaemon) -> None:
    page, problems = opened(browser, filled)
    for span in ("1d", "7d", "30d", "365d", "all"):
        page.get_by_label("Show").select_option(span)
        expect(page.get_by_role("status")).to_contain_text("requests, as of")
    assert problems == []


@needs_chromium
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


@needs_chromium
def test_empty_ledger_teaches(browser: Browser, empty: RunningDaemon) -> None:
    page, problems = opened(browser, empty)
    expect(page.get_by_role("heading", name="Nothing is booked yet")).to_be_visible()
    expect(page.get_by_text("halfwatt generate FILE:LINE")).to_be_visible()
    expect(page.locator("#filled")).to_be_hidden()
    assert problems == []


@needs_chromium
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


@needs_chromium
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


@needs_chromium
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


@needs_chromium
def test_narrow_screen_scrolls_tables_not_the_page(browser: Browser, filled: RunningDaemon) -> None:
    page, _ = opened(browser, filled, viewport={"width": 320, "height": 700})
    expect(page.get_by_role("status")).to_contain_text("requests, as of")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@needs_chromium
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


@needs_chromium
def test_daemon_that_has_ended_is_named(browser: Browser, empty: RunningDaemon) -> None:
    page, _ = opened(browser, empty)
    expect(page.get_by_role("heading", name="Nothing is booked yet")).to_be_visible()
    assert halfwatt(empty.environ, "daemon", "stop").returncode == 0
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("status")).to_contain_text("The daemon does not answer")


def test_data_needs_the_cookie_and_a_link_needs_the_token(filled: RunningDaemon) -> None:
    with httpx2.Client(base_url=filled.url, trust_env=False) as stranger:
        assert stranger.get(DATA_PATH).status_code == 401
        assert stranger.get("/").status_code == 401
        assert stranger.get(LOGIN_PATH, params={"code": "guess"}).status_code == 401
        assert stranger.get(DATA_PATH, headers={"Cookie": f"{COOKIE}=guess"}).status_code == 401
        assert stranger.post("/halfwatt/v1/dashboard").status_code == 401
        assert stranger.get("/", headers={"Host": "evil.example"}).status_code == 403


def test_strict_policy_and_no_caching_on_every_reply(filled: RunningDaemon) -> None:
    with httpx2.Client(base_url=filled.url, trust_env=False) as stranger:
        for path in ("/", "/dashboard/page.js", "/dashboard/page.css", DATA_PATH, LOGIN_PATH):
            headers = stranger.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"


def test_bad_span_is_refused_with_the_good_ones(filled: RunningDaemon) -> None:
    with httpx2.Client(base_url=filled.url, trust_env=False) as client:
        client.get(httpx2.URL(link_of(filled)).raw_path.decode())
        reply = client.get(DATA_PATH, params={"span": "2y"})
        assert reply.status_code == 400
        assert "1d, 7d, 30d, 365d, all" in reply.text
        assert client.get(DATA_PATH, params={"span": "all"}).json()["summary"]["requests"] == 401


def test_links_and_sessions_end_in_time() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    late, code = sessions.new_link(), sessions.new_link()
    session = sessions.log_in(code)
    assert sessions.is_open(session)
    assert sessions.log_in(code) is None
    now[0] = LINK_LIFE_S + 1
    assert sessions.log_in(late) is None
    assert sessions.is_open(session)
    now[0] = 13 * 3600.0
    assert not sessions.is_open(session)
    assert not sessions.is_open(None)


def test_data_agrees_with_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    now = datetime.now().astimezone()
    fill(ledger, now.timestamp(), 120)
    with ledger.reading() as connection:
        data = dashboard_data.collect(connection, "30d", now, "a meter")
    since = now.timestamp() - 30 * 86400
    assert data.summary == ledger.summary(since)
    assert sum(bar.requests for bar in data.bars) == data.summary.requests
    for groups in data.groups.values():
        assert sum(group.requests for group in groups) == data.summary.requests
    decided = [each for each in ledger.recent(1000) if each.outcome not in (None, "offered")]
    assert data.decided == len(decided)
    local = [each for each in decided if each.tier == "local"]
    (bin_,) = data.calibration
    assert (bin_.n, bin_.predicted) == pytest.approx((len(local), 0.91))
    assert bin_.observed == pytest.approx(sum(each.outcome == "accepted" for each in local) / len(local))
    assert len(data.recent) == dashboard_data.N_SHOWN
    assert b"planted_code" not in msgspec.json.encode(data)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([None], 0.5, None), ([5.0], 0.99, 5.0), ([4.0, 1.0, None, 2.0, 3.0], 0.5, 3.0)],
)
def test_percentiles_of_known_values(values: list[float | None], share: float, expected: float | None) -> None:
    assert dashboard_data.percentile(values, share) == expected
