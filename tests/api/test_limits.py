"""What a key may do how often, how much may wait, and what is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.api.errors import Refusal
from retake.api.limits import Quotas, RateLimits
from retake.api.rates import Policy, Rates
from retake.queue.unfinished import Capacity
from tests.api.live import API, Live, live
from tests.api.refusals import checked

ITEM = re.compile(r'"(?P<name>\w+)";r=(?P<left>\d+);t=(?P<back>\d+)')


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.integers(1, 20),
    st.integers(1, 100),
    st.lists(st.floats(0, 40, allow_nan=False), max_size=60),
)
def test_no_window_holds_more_than_twice_the_quota_and_the_first_may_be_used_up_at_once(
    quota: int, window_s: int, pauses: list[float]
) -> None:
    clock = Clock()
    rates = Rates(Policy("calls", quota, window_s), clock)
    for expected in reversed(range(quota)):
        assert int(ITEM.fullmatch(rates.count("k"))["left"]) == expected  # type: ignore[index]
    with pytest.raises(Refusal):
        rates.count("k")
    let_in = [clock.now] * quota
    for pause in pauses:
        clock.now += pause
        try:
            rates.count("k")
        except Refusal as refusal:
            clock.now += int(refusal.headers["Retry-After"])
            rates.count("k")
        let_in.append(clock.now)
    for at in let_in:
        inside = sum(at <= other < at + window_s for other in let_in)
        # What one key may keep up is its quota in every window, on top of the one it begins with.
        assert inside <= 2 * quota


def test_what_is_refused_does_not_put_off_the_next_call() -> None:
    clock = Clock()
    rates = Rates(Policy("calls", 2, 10), clock)
    rates.count("k")
    rates.count("k")
    for _ in range(50):
        with pytest.raises(Refusal) as refused:
            rates.count("k")
    assert refused.value.headers["Retry-After"] == "5"
    assert rates.count("other") == '"calls";r=1;t=5'
    clock.now += 5
    assert rates.count("k") == '"calls";r=0;t=10'


def test_keys_that_have_their_whole_quota_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retake.api.rates._SWEEP_AT", 10)
    clock = Clock()
    rates = Rates(Policy("calls", 1, 10), clock)
    for number in range(100):
        clock.now += 5
        rates.count(str(number))
    assert len(rates._whole_at) <= 10


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    rates = RateLimits(Quotas(submits=3, calls=1000))
    with live(tmp_path_factory.mktemp("narrow"), rates=rates) as running:
        yield running


def test_every_answer_tells_what_is_left_and_the_one_too_many_when_to_come_back(
    narrow: Live,
) -> None:
    looked = narrow.client.get(f"{API}/requests")
    assert looked.headers["ratelimit-policy"] == '"calls";q=1000;w=60'
    assert ITEM.fullmatch(looked.headers["ratelimit"])
    for left in (2, 1, 0):
        answer = narrow.submit(Prefer="respond-async")
        assert answer.status_code == 202
        assert answer.headers["ratelimit-policy"] == '"calls";q=1000;w=60, "submits";q=3;w=60'
        assert f'"submits";r={left};' in answer.headers["ratelimit"]
    answer = narrow.submit(Prefer="respond-async")
    error = checked(answer, 429)
    assert error["code"] == "too_many_calls"
    assert error["retryable"] is True
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert '"submits";r=0;' in answer.headers["ratelimit"]
    assert narrow.client.get(f"{API}/requests").json()["total"] == 3


def test_a_replayed_submit_is_not_counted(tmp_path: Path) -> None:
    with live(tmp_path, rates=RateLimits(Quotas(submits=1))) as server:
        once = {"Prefer": "respond-async", "Idempotency-Key": "k"}
        assert server.submit(**once).status_code == 202
        again = server.submit(**once)
        assert again.status_code == 202
        assert again.headers["idempotency-replayed"] == "true"
        checked(server.submit(Prefer="respond-async"), 429)


def test_without_quotas_nothing_is_told_of_them(shared: Live) -> None:
    answer = shared.client.get(f"{API}/requests")
    assert "ratelimit" not in answer.headers
    assert "ratelimit-policy" not in answer.headers


def test_a_key_with_too_many_unfinished_requests_waits_for_one_to_end(tmp_path: Path) -> None:
    with live(tmp_path, capacity=Capacity(of_all=3, of_key=2)) as server:
        first = server.submit_async()
        server.submit_async()
        error = checked(server.submit(Prefer="respond-async"), 429)
        assert error["code"] == "too_many_unfinished"
        server.client.headers["Authorization"] = f"Bearer {server.other_key}"
        server.submit_async()
        full = server.submit(Prefer="respond-async")
        assert (full.status_code, full.json()["code"]) == (503, "queue_full")
        assert full.headers["retry-after"]
        server.client.headers["Authorization"] = f"Bearer {server.key}"
        assert server.client.delete(f"{API}/requests/{first}").json()["status"] == "cancelled"
        server.submit_async()


def test_what_was_unfinished_before_a_restart_still_counts(tmp_path: Path) -> None:
    with live(tmp_path, capacity=Capacity(of_key=1)) as server:
        server.submit_async()
        key = server.key
    with live(tmp_path, capacity=Capacity(of_key=1)) as server:
        server.client.headers["Authorization"] = f"Bearer {key}"
        checked(server.submit(Prefer="respond-async"), 429)


def test_what_no_engine_would_work_on_is_not_accepted(tmp_path: Path) -> None:
    serves: list[bool] = []
    with live(tmp_path, can_serve=lambda: bool(serves)) as server:
        answer = server.submit(Prefer="respond-async")
        assert (answer.status_code, answer.json()["code"]) == (503, "no_engine")
        assert answer.headers["retry-after"]
        assert server.client.get(f"{API}/requests").json()["total"] == 0
        serves.append(True)
        server.submit_async()
