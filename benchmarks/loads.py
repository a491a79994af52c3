"""What a request costs a fleet, and what a fleet's parts can carry: the figures of `fleet.py`.

Each says where it is from. "Measured" is this project's own, on two cores; "published" is others'.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Engine:
    """An engine's workers, as scale.yaml has them, and how long their requests take.

    Attributes:
        name: Its id.
        means_s: How long requests take, in seconds, each as likely.
        spread: The standard deviation of that, as a part of it.
        start_s: From the scaler's word to a worker that claims, in seconds.
        per_worker: How many requests the scaler wants for one worker.
        least_workers: So many are always there.
        most_workers: And so many at most.
        stop_after_s: How long they must have been too many.
    """

    name: str
    means_s: tuple[float, ...]
    spread: float
    start_s: float
    per_worker: float
    least_workers: int
    most_workers: int
    stop_after_s: float

    def draw_s(self, chance: random.Random) -> float:
        """Return how long one request takes."""
        mean = chance.choice(self.means_s)
        return max(chance.gauss(mean, mean * self.spread), mean / 4)


@dataclass(frozen=True)
class Fleet:
    """What the rest costs, and can carry; per request, per second or in all."""

    keys: int = 20
    # Measured (benchmarks/api.py saturated): one server process, every create on the disk.
    submits_s: float = 1300.0
    looks_s: float = 3100.0
    # A client that polls asks every two seconds; one that listens, or is told, asks once.
    poll_s: float = 2.0
    # Counted in the code: create, claim, six stages, end; then each of five recorded steps.
    commits_per_request: float = 9.0
    commits_per_step: float = 2.0
    steps: int = 5
    # Of a worker that works: progress once a second, its lease every five.
    commits_per_busy_s: float = 1.0
    commits_per_awake_s: float = 0.2
    # Assumed: what a small PostgreSQL with a quick disk does. To be set for your own.
    most_commits_s: float = 1500.0
    # Measured (benchmarks/queueing.py) at a load of 9 on two cores, so a lower bound: claims are
    # made one at a time.
    most_claims_s: float = 144.0
    # Counted: one writes, one or two read, one listens, and the child's DBOS has up to four.
    connections_per_worker: float = 7.0
    connections_per_server: float = 5.0
    most_connections: float = 500.0
    # Measured (benchmarks/render.py, 21 s of H.264 1080p, section of 3 s): source, then results.
    source_mb: float = 16.3
    result_mb: float = 25.0
    storage_mb_s: float = 1000.0
    # Assumed, with its report; half a kilobyte without one is measured (benchmarks/queueing.py).
    row_kb: float = 4.0
    retention_days: float = 30.0


FLEET = Fleet()

# Measured (benchmarks/vfx.py): 44, 62 and 81 CPU-seconds for 5 s at 720p24, 1080p24 and 1080p30, on
# two cores that are used to 80 %.
_VFX_S = tuple(cpu_s / 2 / 0.8 for cpu_s in (44.0, 62.0, 81.0))
# Published (LTX-2, H100, 768x512, 121 frames, 8 steps, bf16): 9.5 s. At 1080p there are 5.3 times
# as many tokens; taken as linear, so rather more. Our own render: 2.3 s, measured.
_LTX_S = (9.5 + 2.3, 9.5 * 5.3 + 2.3)

ENGINES = {
    "vfx": Engine("vfx", _VFX_S, 0.3, 20.0, 2.0, 1, 5000, 300.0),
    "ltx": Engine("ltx", _LTX_S, 0.1, 240.0, 1.0, 0, 5000, 300.0),
}


@dataclass(frozen=True)
class Load:
    """What a fleet carries at one rate.

    `machine_hours` are those of workers in an hour: of GPUs with ltx, of pairs of cores with vfx.
    `strains` are parts of what each thing can carry.
    """

    engine: str
    rate: float
    workers: float
    most_workers: int
    busy: float
    wait_p50_s: float
    wait_p99_s: float
    small_p99_s: float
    machine_hours: float
    submits_s: float
    commits_s: float
    claims_s: float
    connections: float
    servers: int
    storage_mb_s: float
    stored_gb_day: float
    rows_day: float
    strains: dict[str, float]


def load_of(engine: Engine, rate: float, hour: Any) -> Load:
    """Return what an hour that was simulated means for every part of the fleet."""
    a_second, fleet = rate / 3600, FLEET
    workers, busy = hour.awake_s / 3600, hour.busy_s / 3600
    mean_s = sum(engine.means_s) / len(engine.means_s)
    waits, small = sorted(hour.waits), sorted(hour.small)
    # Everybody polls: the worst case.
    looks_s = a_second * (mean_s + _part(waits, 0.5)) / fleet.poll_s
    of_server = a_second / fleet.submits_s + looks_s / fleet.looks_s
    servers = max(2, round(of_server / 0.5 + 0.5))
    commits_s = a_second * (fleet.commits_per_request + fleet.steps * fleet.commits_per_step)
    commits_s += busy * fleet.commits_per_busy_s + workers * fleet.commits_per_awake_s
    claims_s = a_second + hour.idle_looks / 3600
    connections = workers * fleet.connections_per_worker + servers * fleet.connections_per_server
    traffic = a_second * (2 * fleet.source_mb + 2 * fleet.result_mb)
    strains = {
        "one server process": of_server,
        "the database's commits": commits_s / fleet.most_commits_s,
        "the database's claims": claims_s / fleet.most_claims_s,
        "the database's connections": connections / fleet.most_connections,
        "the storage's traffic": traffic / fleet.storage_mb_s,
    }
    return Load(
        engine=engine.name,
        rate=rate,
        workers=workers,
        most_workers=hour.most_workers,
        busy=busy / workers if workers else 0.0,
        wait_p50_s=_part(waits, 0.5),
        wait_p99_s=_part(waits, 0.99),
        small_p99_s=_part(small, 0.99),
        machine_hours=workers,
        submits_s=a_second,
        commits_s=commits_s,
        claims_s=claims_s,
        connections=connections,
        servers=servers,
        storage_mb_s=traffic,
        stored_gb_day=a_second * 86400 * (fleet.source_mb + fleet.result_mb) / 1000,
        rows_day=a_second * 86400,
        strains=strains,
    )


def _part(ascending: list[float], part: float) -> float:
    return ascending[min(int(len(ascending) * part), len(ascending) - 1)] if ascending else 0.0
