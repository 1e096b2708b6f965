"""What the dashboard serves: its data, its login and its headers. The page itself is tested in tests/e2e."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import httpx2
import msgspec
import pytest
from dashboard_daemon import fill, link_of
from dashboard_daemon import filled as filled
from running_daemon import RunningDaemon

from halfwatt.daemon.dashboard import data as dashboard_data
from halfwatt.daemon.dashboard.routes import COOKIE, DATA_PATH, LINK_LIFE_S, LOGIN_PATH, Sessions
from halfwatt.daemon.ledger.ledger import Ledger


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
