"""What a fleet needs, and what breaks first: an hour of requests, simulated from measured figures.

    python benchmarks/fleet.py [--engines vfx ltx] [--rates 10 1000 100000] [--json]

Requests come at random (Poisson), from keys of very different appetite, wait for their key's turn,
and are made by workers of which a scaler of KEDA's kind starts and stops as many as it is told to.
What each costs is in `loads.py`, with where it was measured. docs/fleet.md shows the table.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from loads import ENGINES, FLEET, Engine, Load, load_of

_HOUR_S = 3600.0
_WARM_UP_S = 1800.0
_SEED = 2026


@dataclass
class Queue:
    """What waits: keys take turns, the oldest first within a key."""

    turns: deque[int] = field(default_factory=deque[int])
    waiting: dict[int, deque[float]] = field(default_factory=dict[int, deque[float]])
    length: int = 0

    def add(self, key: int, at: float) -> None:
        """Let a request wait."""
        if key not in self.waiting:
            self.waiting[key] = deque()
            self.turns.append(key)
        self.waiting[key].append(at)
        self.length += 1

    def take(self) -> tuple[int, float]:
        """Return the key whose turn it is, and since when its request has waited."""
        key = self.turns.popleft()
        at = self.waiting[key].popleft()
        if self.waiting[key]:
            self.turns.append(key)
        else:
            del self.waiting[key]
        self.length -= 1
        return key, at


@dataclass
class Hour:
    """What was seen in the hour: times in seconds.

    `waits` are those of all requests, `small` those of the keys that ask least. `awake_s` is how
    long workers were there, `busy_s` how long they worked. `idle_looks` is how often a worker
    looked for a request in vain, since all that are free are told of each one that comes.
    """

    waits: list[float] = field(default_factory=list[float])
    small: list[float] = field(default_factory=list[float])
    awake_s: float = 0.0
    busy_s: float = 0.0
    most_workers: int = 0
    left: int = 0
    idle_looks: int = 0


class Simulation:
    """An hour of requests after half an hour in which the fleet finds its size.

    Args:
        engine: What makes them.
        rate: How many come in an hour.
        seed: Of everything that is drawn.
    """

    def __init__(self, engine: Engine, rate: float, seed: int = _SEED) -> None:
        self._engine = engine
        self._rate = rate
        self._chance = random.Random(seed)
        self._events: list[tuple[float, int, str]] = []
        self._number = 0
        self._queue = Queue()
        self._free = engine.least_workers
        self._starting = 0
        self._busy = 0
        self._wanted: deque[tuple[float, int]] = deque()
        self._now = 0.0
        self.hour = Hour()

    def run(self) -> Hour:
        """Let the time pass; return what was seen."""
        self._at(self._gap(), "request")
        self._at(0.0, "scale")
        end = _WARM_UP_S + _HOUR_S
        while self._events[0][0] < end:
            at, _, kind = heapq.heappop(self._events)
            self._pass(at)
            match kind:
                case "request":
                    self._request()
                case "finished":
                    self._busy -= 1
                    self._free += 1
                case "started":
                    self._starting -= 1
                    self._free += 1
                case _:
                    self._scale()
            self._begin()
        self.hour.left = self._queue.length
        return self.hour

    def _at(self, at: float, kind: str) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, kind))

    def _gap(self) -> float:
        return self._chance.expovariate(self._rate / _HOUR_S)

    def _pass(self, at: float) -> None:
        if at > _WARM_UP_S:
            seconds = at - max(self._now, _WARM_UP_S)
            self.hour.awake_s += (self._busy + self._free + self._starting) * seconds
            self.hour.busy_s += self._busy * seconds
        self._now = at

    def _request(self) -> None:
        # Appetites as they are found: the first key asks for half of everything.
        key = min(int(self._chance.expovariate(math.log(2))), FLEET.keys - 1)
        self._queue.add(key, self._now)
        if self._now > _WARM_UP_S:
            self.hour.idle_looks += self._free
        self._at(self._now + self._gap(), "request")

    def _begin(self) -> None:
        while self._free and self._queue.length:
            key, since = self._queue.take()
            self._free -= 1
            self._busy += 1
            self._at(self._now + self._engine.draw_s(self._chance), "finished")
            if since > _WARM_UP_S:
                self.hour.waits.append(self._now - since)
                if key >= FLEET.keys // 2:
                    self.hour.small.append(self._now - since)

    def _scale(self) -> None:
        """Do what KEDA and the autoscaler behind it do with scale.yaml."""
        engine, there = self._engine, self._busy + self._free + self._starting
        wanted = math.ceil((self._queue.length + self._busy) / engine.per_worker)
        wanted = min(max(wanted, engine.least_workers), engine.most_workers)
        # The most that was wanted within the window counts: what falls comes back soon.
        self._wanted.append((self._now, wanted))
        while self._wanted[0][0] < self._now - engine.stop_after_s:
            self._wanted.popleft()
        most = max(each for _, each in self._wanted)
        if wanted > there:
            for _ in range(wanted - there):
                self._starting += 1
                self._at(self._now + engine.start_s, "started")
        elif most < there:
            # One that works is not ended: it drains, which is as good as stopping when it is free.
            self._free -= min(there - most, self._free)
        self.hour.most_workers = max(self.hour.most_workers, self._busy + self._free)
        self._at(self._now + 5.0, "scale")


def main() -> None:
    """Simulate what is asked for, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", nargs="*", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--rates", nargs="*", type=float, default=[10, 1000, 100_000])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    loads = list(simulated(options.engines, options.rates))
    if options.json:
        for load in loads:
            print(json.dumps(asdict(load)))
    else:
        show(loads)


def simulated(engines: list[str], rates: list[float]) -> Iterator[Load]:
    """Yield what each engine's fleet has to carry at each rate."""
    for name in engines:
        for rate in rates:
            hour = Simulation(ENGINES[name], rate).run()
            yield load_of(ENGINES[name], rate, hour)


def show(loads: list[Load]) -> None:
    """Print a table, and below each line what is nearest to its limit."""
    print(
        f"{'engine':6} {'an hour':>8} {'workers':>8} {'busy':>5} {'waits p50':>10} {'p99':>8} "
        f"{'hours':>8} {'submits/s':>9} {'commits/s':>9} {'conns':>6} {'MB/s':>7} {'GB/day':>9}"
    )
    for load in loads:
        print(
            f"{load.engine:6} {load.rate:8.0f} {load.workers:8.1f} {load.busy:5.0%} "
            f"{load.wait_p50_s:8.1f} s {load.wait_p99_s:6.1f} s {load.machine_hours:8.1f} "
            f"{load.submits_s:9.2f} {load.commits_s:9.0f} {load.connections:6.0f} "
            f"{load.storage_mb_s:7.1f} {load.stored_gb_day:9.0f}"
        )
        first, *others = sorted(load.strains.items(), key=lambda strain: -strain[1])
        rest = ", ".join(f"{name} {part:.0%}" for name, part in others[:3])
        print(f"       first to break: {first[0]} at {first[1]:.0%} of its limit; then {rest}")


if __name__ == "__main__":
    main()
