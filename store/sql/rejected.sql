-- name: add
insert into rejected_message (received_at, machine_id, topic, content_type, payload,
    payload_size, samples, reason, detail)
select * from unnest(%(received_at)s::timestamptz[], %(machines)s::integer[], %(topics)s::text[],
    %(content_types)s::text[], %(payloads)s::bytea[], %(sizes)s::integer[],
    %(samples)s::integer[], %(reasons)s::text[], %(details)s::text[])
on conflict (digest) do nothing
returning digest

-- name: get
select id, received_at, machine_id, topic, content_type, payload, payload_size, samples, reason,
    detail, replayed_at
from rejected_message where id = %(id)s::bigint
