"""Every statement of claims; the same for SQLite and PostgreSQL.

Where two rows are touched the claim's comes first, so that no two transactions wait for each other.
"""

from __future__ import annotations

MOST_CRASHES = 3
"""So many deaths of the engine, each by its own fault, and the request fails."""
MOST_LOSSES = 5
"""So many ends without a known reason: a lease that ran out, an engine that somebody killed."""

_SOUND = f"crashes < {MOST_CRASHES} and losses < {MOST_LOSSES} and cancel_requested = 0"

# A number for this lock alone; whoever claims holds it until the claim is committed, so that turns
# are exact however many workers ask at once.
LOCK = "select pg_advisory_xact_lock(7261746161)"

INTERRUPTED = f"""
select request_id, key_id from requests
where status = 'processing' and worker is null and {_SOUND}
    and needs <= :protocol and engine in ({{engines}})
order by seq limit 1
"""  # noqa: S608 - constants only

# Walks from key to key on the index instead of through all that wait, and finds the one request by
# its number: a join would look through all that have ended, too.
NEXT = """
with recursive waiting_keys(key_id) as (
    select min(key_id) from requests where status = 'queued'
    union all
    select (select min(key_id) from requests
            where status = 'queued' and key_id > waiting_keys.key_id)
    from waiting_keys where waiting_keys.key_id is not null
),
first_of_key(turn, seq) as (
    select coalesce(turns.turn, 0), (
        select seq from requests
        where status = 'queued' and key_id = waiting_keys.key_id
            and needs <= :protocol and engine in ({engines})
        order by priority desc, seq limit 1
    )
    from waiting_keys left join turns on turns.key_id = waiting_keys.key_id
    where waiting_keys.key_id is not null and (:most_of_key = 0 or :most_of_key > (
        select count(*) from requests
        where status = 'processing' and key_id = waiting_keys.key_id
    ))
)
select request_id, key_id from requests
where seq = (select seq from first_of_key where seq is not null order by turn, seq limit 1)
"""

TAKE = """
update requests
set status = 'processing', worker = :worker, attempt = attempt + 1,
    started_at = coalesce(started_at, :second), updated_at = :second
where request_id = :request_id and worker is null and status in ('queued', 'processing')
returning attempt, stage
"""
CLAIM = """
insert into claims (request_id, key_id, worker, attempt, claimed_at, lease_until, stage)
values (:request_id, :key_id, :worker, :attempt, :now, :until, :stage)
"""
TURN = """
insert into turns (key_id, turn) select :key_id, coalesce(max(turn), 0) + 1 from turns where true
on conflict (key_id) do update set turn = excluded.turn
"""

RENEW = """
update claims set lease_until = :until where worker = :worker returning request_id, attempt
"""
SEEN = """
insert into workers (worker, engines, slots, protocol, version, seen_until)
values (:worker, :engines, :slots, :protocol, :version, :until)
on conflict (worker) do update set slots = excluded.slots, seen_until = excluded.seen_until
"""
GONE = "delete from workers where worker = :worker"
FORGET_GONE = "delete from workers where seen_until < :before"
READY = """
select count(*) from workers where seen_until > :now and slots > 0
    and (engines = :engine or ' ' || engines || ' ' like '% ' || :engine || ' %')
"""
BEGUN = "select request_id from requests where status = 'processing'"
ASKED = """
select request_id from requests
where status = 'processing' and worker = :worker and cancel_requested <> 0
"""

OWN = """
update claims set done = :done, total = :total
where request_id = :request_id and attempt = :attempt
"""
DROP = "delete from claims where request_id = :request_id and attempt = :attempt"
STAGE = """
update requests
set stage = :stage, stages = :stages, updated_at = :second
where request_id = :request_id and attempt = :attempt and status = 'processing'
"""
STAGES = "select stages from requests where request_id = :request_id"
END = """
update requests
set status = :status, outcome = :outcome, error = :error, worker = null,
    finished_at = :second, updated_at = :second
where request_id = :request_id and attempt = :attempt and status = 'processing'
"""
GIVE_BACK = """
update requests
set worker = null, crashes = crashes + :crashes, losses = losses + :losses, updated_at = :second
where request_id = :request_id and attempt = :attempt and status = 'processing'
"""

OVERDUE = {
    "sqlite": "select request_id, attempt from claims where lease_until <= :now",
    "postgresql": """
select request_id, attempt from claims where lease_until <= :now for update skip locked
""",
}
NEXT_LEASE = "select min(lease_until) from claims"
DOOMED = f"""
select request_id, crashes, losses, cancel_requested from requests
where status = 'processing' and worker is null and not ({_SOUND})
order by seq limit 100
"""  # noqa: S608 - constants only
END_DOOMED = """
update requests
set status = :status, error = :error, finished_at = :second, updated_at = :second
where request_id = :request_id and worker is null and status = 'processing'
"""
LATE = """
select request_id from requests
where status in ('queued', 'processing') and cancel_requested = 0 and cancel_at <= :now
limit 100
"""
NEXT_DEADLINE = """
select min(cancel_at) from requests
where status in ('queued', 'processing') and cancel_at is not null and cancel_requested = 0
"""
