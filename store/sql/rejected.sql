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

-- name: lock
select id, received_at, machine_id, topic, content_type, payload, payload_size, samples, reason,
    detail, replayed_at
from rejected_message where id = %(id)s::bigint for update

-- name: replayed
update rejected_message set replayed_at = %(at)s::timestamptz where id = %(id)s::bigint

-- name: judged_again
update rejected_message
set machine_id = %(machine)s::integer, reason = %(reason)s::text, detail = %(detail)s::text
where id = %(id)s::bigint

-- name: waiting
select rejected.id
from rejected_message as rejected
left join machine on machine.id = rejected.machine_id
where rejected.replayed_at is null
    and (%(reason)s::text is null or rejected.reason = %(reason)s::text)
    -- Nobody but the topic says whose the messages of an unknown machine are.
    and (%(serial)s::text is null or machine.serial = %(serial)s::text
        or (machine.id is null and %(serial)s::text = any(string_to_array(rejected.topic, '/'))))
order by rejected.id
