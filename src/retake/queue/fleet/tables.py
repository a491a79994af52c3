"""The tables of claims: who works on which request, until when, and whose turn is next.

A claim is a row of its own, since its lease is renewed every few seconds and a request's row is
wide. The row is also the fence: whatever a worker writes of a request changes or deletes the row
of its own attempt first, and where there is none, nothing is written.
"""

from __future__ import annotations

from retake.queue.database.port import Dialect, Texts

_CLAIMS = """
alter table requests add column priority integer not null default 0;
alter table requests add column needs integer not null default 1;
alter table requests add column attempt integer not null default 0;
alter table requests add column losses integer not null default 0;
alter table requests add column worker name_text;
create index requests_waiting on requests (key_id, priority desc, seq) where status = 'queued';
create index requests_processing on requests (key_id, seq) where status = 'processing';
create index requests_by_deadline on requests (cancel_at)
    where status in ('queued', 'processing') and cancel_at is not null;
create table turns (
    key_id name_text not null primary key,
    turn   bigint not null
);
create table claims (
    request_id  name_text not null primary key,
    key_id      name_text not null,
    worker      name_text not null,
    attempt     integer not null,
    claimed_at  double precision not null,
    lease_until double precision not null,
    stage       text,
    done        integer not null default 0,
    total       integer not null default 0
);
create index claims_by_lease on claims (lease_until);
create index claims_by_worker on claims (worker);
create table workers (
    worker     name_text not null primary key,
    engines    name_text not null,
    slots      integer not null,
    protocol   integer not null,
    version    name_text not null,
    seen_until double precision not null
);
"""

_TOLD = """
create function fleet_tells_of_requests() returns trigger language plpgsql as $$
begin
    perform pg_notify('retake_changed', new.key_id || ' ' || new.request_id);
    if new.status = 'queued' or (new.status = 'processing' and new.worker is null) then
        perform pg_notify('retake_waiting', new.engine);
    end if;
    if new.cancel_requested <> 0 and new.status = 'processing' then
        perform pg_notify('retake_cancel', new.request_id);
    end if;
    return null;
end $$;
create trigger fleet_tells_of_requests
    after insert or update of status, stage, worker, cancel_requested on requests
    for each row execute function fleet_tells_of_requests();
create function fleet_tells_of_claims() returns trigger language plpgsql as $$
begin
    perform pg_notify('retake_moved', new.key_id || ' ' || new.request_id);
    return null;
end $$;
create trigger fleet_tells_of_claims after update of done, total on claims
    for each row execute function fleet_tells_of_claims();
"""

FLEET: Texts = {
    Dialect.SQLITE: _CLAIMS.replace("name_text", "text"),
    Dialect.POSTGRESQL: _CLAIMS.replace("name_text", 'text collate "C"') + _TOLD,
}
"""`priority` orders the requests of one key, the highest first. `needs` is the protocol that a
worker must know. `attempt` counts the claims of a request; `losses` those that ended without
anybody knowing why. `worker` has the request now. `claims.stage` is where this attempt began.

PostgreSQL tells every process that listens what has changed, with the commit. What it tells are
names: whoever hears one looks for itself.
"""
