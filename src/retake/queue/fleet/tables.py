"""The tables of claims: who works on which request, until when, and whose turn is next.

A claim is a row of its own, since its lease is renewed every few seconds and a request's row is
wide. The row is also the fence: whatever a worker writes of a request changes or deletes the row
of its own attempt first, and where there is none, nothing is written.
"""

from __future__ import annotations

CLAIMS = """
alter table requests add column priority integer not null default 0;
alter table requests add column needs integer not null default 1;
alter table requests add column attempt integer not null default 0;
alter table requests add column losses integer not null default 0;
alter table requests add column worker text;
create index requests_waiting on requests (key_id, priority desc, seq) where status = 'queued';
create index requests_processing on requests (key_id, seq) where status = 'processing';
create table turns (
    key_id text not null primary key,
    turn   bigint not null
);
create table claims (
    request_id  text not null primary key,
    key_id      text not null,
    worker      text not null,
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
    worker     text not null primary key,
    engines    text not null,
    slots      integer not null,
    protocol   integer not null,
    version    text not null,
    seen_until double precision not null
);
"""
"""Understood by SQLite and PostgreSQL alike.

`priority` orders the requests of one key, the highest first. `needs` is the protocol that a worker
must know. `attempt` counts the claims of a request; `losses` those that ended without anybody
knowing why. `worker` has the request now. `claims.stage` is where this attempt began.
"""

TOLD = """
create function requests_tell() returns trigger language plpgsql as $$
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
create trigger requests_told
    after insert or update of status, stage, worker, cancel_requested on requests
    for each row execute function requests_tell();
create function claims_tell() returns trigger language plpgsql as $$
begin
    perform pg_notify('retake_moved', new.key_id || ' ' || new.request_id);
    return null;
end $$;
create trigger claims_told after update of done, total on claims
    for each row execute function claims_tell();
"""
"""For PostgreSQL: tells every process that listens, with the commit, what has changed.

The payloads are names; whoever hears one looks for itself.
"""
