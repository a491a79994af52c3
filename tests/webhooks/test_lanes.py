"""Who is slow waits for himself alone."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.steps.notify.lanes import Lanes, Width
from tests.api.live import API, MODEL, PAYLOAD
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Answer, Receiver, until


def test_a_receiver_that_hangs_holds_up_nobody_else(tmp_path: Path, receiver: Receiver) -> None:
    with ExitStack() as open_now:
        telling = open_now.enter_context(
            closing(Telling(tmp_path, Width(in_all=8, of_key=4, of_lane=2)))
        )
        slow, held = open_now.enter_context(closing(Receiver())), threading.Event()
        open_now.callback(held.set)
        slow.answer = lambda _message: Answer(wait_for=held)
        for _ in range(6):
            telling.done(webhook=slow.url)
        slow.wait(2)
        begun = time.monotonic()
        telling.done(webhook=receiver.url)
        receiver.wait(1)
        assert time.monotonic() - begun < 1.5
        assert len(slow.messages) == 2
        held.set()
        slow.wait(6)


def test_a_key_whose_receivers_hang_holds_up_no_other_key(
    tmp_path: Path, receiver: Receiver
) -> None:
    with ExitStack() as open_now:
        telling = open_now.enter_context(
            closing(Telling(tmp_path, Width(in_all=3, of_key=2, of_lane=2)))
        )
        hanging = [open_now.enter_context(closing(Receiver())) for _ in range(3)]
        held = threading.Event()
        open_now.callback(held.set)
        for each in hanging:
            each.answer = lambda _message: Answer(wait_for=held)
            telling.done(webhook=each.url)
        until(lambda: telling.notifier.under_way == 2)
        other = {"Authorization": f"Bearer {telling.other_key}", "Prefer": "respond-async"}
        body = {"model": MODEL, "payload": PAYLOAD, "webhook": receiver.url}
        telling.anybody.post(f"{API}/requests", headers=other, json=body)
        telling.finish(telling.take())
        receiver.wait(1, 1.5)
        held.set()
        until(lambda: all(each.messages for each in hanging))


def test_a_burst_is_delivered_once_each_and_never_too_many_at_once(
    tmp_path: Path, receiver: Receiver
) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def answer(_message: object) -> Answer:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1
        return Answer()

    receiver.answer = answer
    with closing(Telling(tmp_path, Width(in_all=8, of_key=8, of_lane=3))) as telling:
        webhook = telling.webhook(receiver.url, events=["queued"])["webhook_id"]
        ids = [telling.ask() for _ in range(40)]
        receiver.wait(40)
        until(lambda: telling.notifier.under_way == 0)
        told = [message.json["data"]["request_id"] for message in receiver.messages]
        assert sorted(told) == sorted(ids)
        assert most[0] <= 3
        log = telling.get(f"/webhooks/{webhook}/deliveries?limit=100")["deliveries"]
        assert {each["status"] for each in log} == {"delivered"}


def test_while_nothing_is_due_nothing_is_asked(telling: Telling, receiver: Receiver) -> None:
    receiver.answer = lambda _message: Answer(500)
    telling.tried(telling.done(webhook=receiver.url), 1)
    telling.move_on(40)
    receiver.wait(2)
    until(lambda: telling.notifier.under_way == 0)
    time.sleep(0.1)
    asked: list[str] = []
    reader = telling.requests._store._database._reading
    telling.call(lambda: reader.set_trace_callback(asked.append))
    time.sleep(1)
    assert asked == []


NAMES = st.sampled_from([f"k{k} h{h}:1" for k in range(3) for h in range(4)])


@given(steps=st.lists(st.tuples(st.booleans(), NAMES), max_size=120))
@pytest.mark.parametrize("width", [Width(5, 3, 2), Width(4, 4, 4), Width(3, 1, 1)])
def test_lanes_are_never_too_full_and_everything_comes_to_its_turn(
    width: Width, steps: list[tuple[bool, str]]
) -> None:
    lanes, waiting, on, names = Lanes(width), dict[str, int](), [], itertools.count()

    def pump() -> None:
        while lane := lanes.due(0):
            for _ in range(min(lanes.room(lane), waiting.get(lane, 0))):
                waiting[lane] -= 1
                on.append((lane, f"m{next(names)}"))
                lanes.begin(*on[-1])
            of_key = sum(each.split()[0] == lane.split()[0] for each, _ in on)
            assert len(lanes.on(lane)) <= width.of_lane
            assert (of_key <= width.of_key, len(on) <= width.in_all) == (True, True)
            assert lanes.under_way == len(on)

    for ends, lane in steps:
        if ends and on:
            lanes.end(*on.pop(0), 0)
        else:
            waiting[lane] = waiting.get(lane, 0) + 1
            lanes.look_at(lane, 0)
        pump()
    while on:
        lanes.end(*on.pop(0), 0)
        pump()
    assert not any(waiting.values())
    assert lanes.next_at() is None
