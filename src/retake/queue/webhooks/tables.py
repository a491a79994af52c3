"""The tables of webhooks, a step of `queue.tables`.

What is to be told is noted by triggers, in the transaction that changes the request: whoever
changes it, and however the process ends afterwards, a message is there exactly when the change is.
"""

from __future__ import annotations

_TOLD = """
begin
    insert into deliveries (delivery_id, key_id, webhook_id, url, lane, base, request_id, event,
                            stage, created_at, next_at)
    select 'msg_' || lower(hex(randomblob(16))), key_id, webhook_id, url, lane, base,
        new.request_id, {event}, {stage}, new.updated_at, new.updated_at
    from webhooks
    where key_id = new.key_id and disabled is null
        and exists (select 1 from json_each(events) where value = {event})
    union all
    select 'msg_' || lower(hex(randomblob(16))), new.key_id, null,
        json_extract(new.webhook, '$.url'), json_extract(new.webhook, '$.lane'),
        json_extract(new.webhook, '$.base'),
        new.request_id, {event}, {stage}, new.updated_at, new.updated_at
    where new.webhook is not null
        and exists (select 1 from json_each(new.webhook, '$.events') where value = {event});
end;
"""
_STATUS_TOLD = _TOLD.format(event="new.status", stage="null")
_STAGE_TOLD = _TOLD.format(event="'stage'", stage="new.stage")

# `secrets` is a JSON list of [secret, when it ends in Unix time, or null], the newest first.
# `lane` is the key's id and the host: what is sent to one lane waits for its own only.
WEBHOOKS = f"""
alter table requests add column webhook text;
create table webhooks (
    webhook_id    text primary key,
    key_id        text not null,
    url           text not null,
    lane          text not null,
    base          text not null,
    events        text not null,
    description   text not null,
    secrets       text not null,
    disabled      text,
    created_at    integer not null,
    updated_at    integer not null,
    failing_since integer,
    succeeded_at  integer
) without rowid;
create index webhooks_of_key on webhooks (key_id, created_at, webhook_id);
create table webhook_secrets (
    key_id     text primary key,
    secrets    text not null,
    created_at integer not null
) without rowid;
create table deliveries (
    seq         integer primary key autoincrement,
    delivery_id text not null unique,
    key_id      text not null,
    webhook_id  text,
    url         text not null,
    lane        text not null,
    base        text not null,
    request_id  text,
    event       text not null,
    stage       text,
    created_at  integer not null,
    status      text not null default 'pending'
        check (status in ('pending', 'delivered', 'failed')),
    tries       integer not null default 0,
    next_at     integer,
    ended_at    integer,
    attempts    text not null default '[]'
);
create index deliveries_due on deliveries (lane, next_at, seq) where next_at is not null;
create index deliveries_of_webhook on deliveries (webhook_id, seq) where webhook_id is not null;
create index deliveries_of_request on deliveries (request_id, seq);
create index deliveries_ended on deliveries (ended_at) where ended_at is not null;
create trigger requests_told_first after insert on requests {_STATUS_TOLD}
create trigger requests_told after update of status on requests
    when old.status <> new.status {_STATUS_TOLD}
create trigger requests_told_stage after update of stage on requests
    when new.stage is not null and new.stage is not old.stage {_STAGE_TOLD}
"""
