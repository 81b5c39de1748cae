-- name: add
-- Numbered as they came; written in the order of their digests by all, so that two writers with the
-- same messages never wait for each other in a circle.
with given as materialized (
    select nextval(pg_get_serial_sequence('rejected_message', 'id')) as id, came.*
    from unnest(%(received_at)s::timestamptz[], %(machines)s::integer[], %(topics)s::text[],
        %(content_types)s::text[], %(payloads)s::bytea[], %(sizes)s::integer[],
        %(samples)s::integer[], %(reasons)s::text[], %(details)s::jsonb[])
        as came (received_at, machine_id, topic, content_type, payload, size, samples, reason,
            detail)
)
insert into rejected_message (id, received_at, machine_id, topic, content_type, payload,
    payload_size, samples, reason, detail)
overriding system value
select * from given order by md5(topic), md5(payload), size
on conflict (digest) do nothing
returning digest

-- name: get
select id, received_at, machine_id, topic, content_type, payload, payload_size, samples, reason,
    detail, replayed_at
from rejected_message where id = %(id)s::bigint

-- name: lock
select id, received_at, machine_id, topic, content_type, payload, payload_size, samples, reason,
    detail, replayed_at
from rejected_message where id = %(id)s::bigint for update

-- name: replayed
update rejected_message set replayed_at = %(at)s::timestamptz where id = %(id)s::bigint

-- name: judged_again
update rejected_message
set machine_id = %(machine)s::integer, reason = %(reason)s::text, detail = %(detail)s::jsonb
where id = %(id)s::bigint

-- name: waiting
select rejected.id
from rejected_message as rejected
left join machine on machine.id = rejected.machine_id
where rejected.replayed_at is null
    and (%(reason)s::text is null or rejected.reason = %(reason)s::text)
    and (%(serial)s::text is null
        or coalesce(machine.serial, rejected.sender) = %(serial)s::text)
order by rejected.id

-- name: of_registered
select rejected.id
from rejected_message as rejected
join machine on machine.serial = rejected.sender
where rejected.reason = 'unknown_machine' and rejected.replayed_at is null
    and octet_length(rejected.payload) = rejected.payload_size
order by rejected.id
