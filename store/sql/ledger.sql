-- name: add
insert into machine_ledger as old (machine_id, first_measured_at, last_measured_at,
    last_received_at, messages, received, stored, merged, repeated, rejected, late)
select machine_id, nullif(first, 'infinity'), nullif(last, '-infinity'), received_at,
    messages, received, stored, merged, repeated, rejected, late
from unnest(%(machines)s::integer[], %(first)s::timestamptz[], %(last)s::timestamptz[],
    %(received_at)s::timestamptz[], %(messages)s::bigint[], %(received)s::bigint[],
    %(stored)s::bigint[], %(merged)s::bigint[], %(repeated)s::bigint[], %(rejected)s::bigint[],
    %(late)s::bigint[])
    given (machine_id, first, last, received_at, messages, received, stored, merged, repeated,
        rejected, late)
on conflict (machine_id) do update set
    first_measured_at = least(old.first_measured_at, excluded.first_measured_at),
    last_measured_at = greatest(old.last_measured_at, excluded.last_measured_at),
    last_received_at = greatest(old.last_received_at, excluded.last_received_at),
    messages = old.messages + excluded.messages,
    received = old.received + excluded.received,
    stored = old.stored + excluded.stored,
    merged = old.merged + excluded.merged,
    repeated = old.repeated + excluded.repeated,
    rejected = old.rejected + excluded.rejected,
    late = old.late + excluded.late

-- name: set_status
update machine_ledger as old set status = given.state, status_at = given.at
from unnest(%(machines)s::integer[], %(states)s::text[], %(at)s::timestamptz[])
    given (machine_id, state, at)
where old.machine_id = given.machine_id and (old.status_at is null or old.status_at <= given.at)

-- name: add_bad_values
insert into bad_value as old (machine_id, day, signal, reason, count)
select * from unnest(%(machines)s::integer[], %(days)s::date[], %(signals)s::text[],
    %(reasons)s::text[], %(counts)s::bigint[])
order by 1, 2, 3, 4
on conflict (machine_id, day, signal, reason) do update
set count = old.count + excluded.count

-- name: span
select min(first_measured_at) as first, max(last_measured_at) as last
from machine_ledger where machine_id = any(%(machines)s::integer[])
