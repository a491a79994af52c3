"""The tables of the requests' database, version by version.

A database is brought from the version that it has to the last one by the steps in between, in
order. What a released step says never changes: databases that it made are out there. A new step
has a text for each database, and changes nothing that the program before it needs: on PostgreSQL
both run side by side while machines are upgraded one by one.
"""

from __future__ import annotations

from retake.queue.database import Dialect, Texts
from retake.queue.database.postgres.tables import VERSION_5
from retake.queue.fleet.tables import FLEET
from retake.queue.results import RESULTS
from retake.queue.webhooks.tables import WEBHOOKS

_REQUESTS = """
create table requests (
    seq              integer primary key autoincrement,
    request_id       text not null unique,
    key_id           text not null,
    model            text not null,
    engine           text not null,
    status           text not null default 'queued'
        check (status in ('queued', 'processing', 'success', 'failed', 'cancelled')),
    payload          text not null,
    source_ref       text not null,
    seed             integer not null,
    warnings         text not null,
    created_at       integer not null,
    queued_at        integer not null,
    updated_at       integer not null,
    started_at       integer,
    finished_at      integer,
    stage            text,
    crashes          integer not null default 0,
    cancel_requested integer not null default 0,
    outcome          text,
    error            text
);
create index requests_of_key on requests (key_id, seq);
create index requests_unfinished on requests (seq) where status in ('queued', 'processing');
create trigger requests_end_once before update of status on requests
    when old.status in ('success', 'failed', 'cancelled')
    begin select raise(abort, 'the request has ended'); end;
"""

# `stages` is a JSON list of [stage, Unix time]. `counts` says how many requests there are without
# counting a million of them; with its pairs of model and status every page is read off an index.
_WATCHED = """
alter table requests add column stages text not null default '[]';
alter table requests add column cancel_at integer;
create index requests_by_age on requests (key_id, created_at);
create index requests_by_status on requests (key_id, model, status, created_at);
create index requests_by_change on requests (key_id, updated_at);
drop index requests_of_key;
create table counts (
    key_id text not null,
    model  text not null,
    status text not null,
    n      integer not null,
    primary key (key_id, model, status)
) without rowid;
insert into counts select key_id, model, status, count(*) from requests group by 1, 2, 3;
create trigger requests_counted after insert on requests begin
    insert into counts values (new.key_id, new.model, new.status, 1)
        on conflict do update set n = n + 1;
end;
create trigger requests_recounted after update of status on requests
    when old.status <> new.status
begin
    update counts set n = n - 1
        where key_id = old.key_id and model = old.model and status = old.status;
    insert into counts values (new.key_id, new.model, new.status, 1)
        on conflict do update set n = n + 1;
end;
create table idempotency (
    key_id          text not null,
    idempotency_key text not null,
    digest          blob not null,
    request_id      text not null,
    created_at      integer not null,
    primary key (key_id, idempotency_key)
) without rowid;
create index idempotency_by_age on idempotency (created_at);
"""

# The W3C traceparent of the call that brought a request, where there are traces.
_TRACED = "alter table requests add column trace text;"

_ON_ONE_MACHINE = (_REQUESTS, _WATCHED, WEBHOOKS, RESULTS)
"""The steps from before there was PostgreSQL."""

STEPS: tuple[Texts, ...] = (
    *({Dialect.SQLITE: step, Dialect.POSTGRESQL: ""} for step in _ON_ONE_MACHINE),
    {Dialect.SQLITE: _TRACED, Dialect.POSTGRESQL: VERSION_5},
    FLEET,
)
"""Step n makes version n + 1 from version n; an empty text changes nothing."""

VERSION = len(STEPS)
