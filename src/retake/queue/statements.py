"""Every statement that writes requests, and those that read one of them."""

from __future__ import annotations

from retake.queue.database import Dialect, Texts

INSERT = """
insert into requests (request_id, key_id, model, engine, payload, source_ref, seed, warnings,
                      cancel_at, webhook, puts, trace, priority, needs,
                      created_at, queued_at, updated_at)
values (:request_id, :key_id, :model, :engine, :payload, :source_ref, :seed, :warnings,
        :cancel_at, :webhook, :puts, :trace, :priority, :needs,
        :now, :now, :now)
returning seq
"""
BEGIN = """
update requests
set status = 'processing', started_at = coalesce(started_at, :now), updated_at = :now
where request_id = :request_id and status in ('queued', 'processing')
"""
_STAGES = {
    Dialect.SQLITE: "json_insert(stages, '$[#]', json_array(:stage, :now))",
    Dialect.POSTGRESQL: "(stages::jsonb || jsonb_build_array("
    "jsonb_build_array(cast(:stage as text), cast(:now as bigint))))::text",
}
STAGE: Texts = {
    dialect: f"""
update requests set stage = :stage, stages = {stages}, updated_at = :now
where request_id = :request_id and status = 'processing'
"""  # noqa: S608 - constants only
    for dialect, stages in _STAGES.items()
}
# Where the status is already a terminal one no row is found: the first end stands.
END = """
update requests
set status = :status, outcome = :outcome, error = :error, finished_at = :now, updated_at = :now
where request_id = :request_id and status in ('queued', 'processing')
"""
CANCEL_QUEUED = """
update requests set status = 'cancelled', finished_at = :now, updated_at = :now
where request_id = :request_id and status = 'queued'
"""
CANCEL_BEGUN = """
update requests set cancel_requested = 1, updated_at = :now
where request_id = :request_id and status = 'processing'
"""
LOST = """
update requests set crashes = crashes + :crashed, updated_at = :now
where request_id = :request_id and status = 'processing'
returning crashes, cancel_requested
"""
# `status in …` is what the index of the unfinished is known by: without it all rows are looked at.
ASKED = """
select request_id from requests
where status in ('queued', 'processing') and status = 'processing' and cancel_requested <> 0
"""
CANCEL_ASKED = """
update requests set status = 'cancelled', finished_at = :now, updated_at = :now
where status in ('queued', 'processing') and status = 'processing' and cancel_requested <> 0
"""
UNFINISHED = """
select seq, request_id, key_id, status, priority from requests
where status in ('queued', 'processing') order by seq
"""
DEADLINES = """
select request_id, cancel_at from requests
where status in ('queued', 'processing') and cancel_at is not null
"""
ONE = "select * from requests where request_id = :request_id"
