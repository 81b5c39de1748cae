-- name: totals
select coalesce(sum(messages), 0)::bigint as messages,
    coalesce(sum(received), 0)::bigint as received,
    coalesce(sum(stored), 0)::bigint as stored,
    coalesce(sum(merged), 0)::bigint as merged,
    coalesce(sum(repeated), 0)::bigint as repeated,
    coalesce(sum(rejected), 0)::bigint as rejected,
    coalesce(sum(late), 0)::bigint as late
from machine_ledger

-- name: rejected_by_reason
select reason, count(*) as count, count(*) filter (where replayed_at is null) as waiting
from rejected_message
where %(machine_id)s::integer is null or machine_id = %(machine_id)s::integer
group by reason order by count(*) desc, reason

-- name: unknown_machine
select count(*) as count from rejected_message
where reason = 'unknown_machine' and replayed_at is null

-- name: bad_values_by_reason
select reason, sum(count)::bigint as count from bad_value
group by reason order by sum(count) desc, reason

-- name: bad_values_by_signal
select reason, case when reason = 'unknown_signal' then '' else signal end as signal,
    sum(count)::bigint as count
from bad_value group by 1, 2 order by 1, 2

-- name: bad_values
select signal, reason, sum(count)::bigint as count, max(day) as last_day from bad_value
where machine_id = %(machine_id)s::integer
group by signal, reason order by sum(count) desc, signal, reason

-- name: beats
select process, instance, pid, address, started_at, beat_at, detail
from process_beat order by process, instance

-- name: ledger
select first_measured_at, last_measured_at, last_received_at, status, status_at,
    messages, received, stored, merged, repeated, rejected, late
from machine_ledger where machine_id = %(machine_id)s::integer

-- name: reporters
select machine.serial, machine.product,
    coalesce(machine_now.connection, 'never_seen') as connection, machine_now.connection_since,
    ledger.last_measured_at, ledger.last_received_at,
    coalesce(ledger.received, 0) as received, coalesce(ledger.late, 0) as late,
    coalesce(ledger.rejected, 0) as rejected
from machine
left join machine_now on machine_now.machine_id = machine.id
left join machine_ledger as ledger on ledger.machine_id = machine.id
where machine.retired_at is null
    and (
        %(after_serial)s::text is null
        or (coalesce(ledger.last_received_at, '-infinity'), machine.serial)
            > (coalesce(%(after)s::timestamptz, '-infinity'), %(after_serial)s::text)
    )
order by coalesce(ledger.last_received_at, '-infinity'), machine.serial
limit %(limit)s::integer

-- name: rejected
select rejected.id, rejected.received_at,
    coalesce(machine.serial, rejected.sender) as serial, rejected.topic, rejected.content_type,
    rejected.payload_size, substring(rejected.payload from 1 for 1024) as payload,
    rejected.samples, rejected.reason, rejected.detail, rejected.replayed_at
from rejected_message as rejected
left join machine on machine.id = rejected.machine_id
where (%(before)s::bigint is null or rejected.id < %(before)s::bigint)
    and (%(reason)s::text is null or rejected.reason = %(reason)s::text)
    and (%(serial)s::text is null
        or coalesce(machine.serial, rejected.sender) = %(serial)s::text)
    and (not %(waiting)s::boolean or rejected.replayed_at is null)
order by rejected.id desc
limit %(limit)s::integer
