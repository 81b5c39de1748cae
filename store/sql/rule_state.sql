-- name: states
select machine_id, state from rule_state where machine_id = any(%(machines)s::integer[])

-- name: put_states
insert into rule_state (machine_id, as_of, state)
select * from unnest(%(machines)s::integer[], %(as_of)s::timestamptz[], %(states)s::bytea[])
on conflict (machine_id) do update set as_of = excluded.as_of, state = excluded.state

-- name: checkpoints
select machine_id, as_of, state
from rule_checkpoint
where machine_id = any(%(machines)s::integer[])
order by machine_id, as_of desc

-- name: newest_checkpoints
select distinct on (machine_id) machine_id, as_of, state
from rule_checkpoint
where machine_id = any(%(machines)s::integer[])
order by machine_id, as_of desc

-- name: last_checkpoints
select machine_id, max(as_of) as as_of
from rule_checkpoint
where machine_id = any(%(machines)s::integer[])
group by machine_id

-- name: put_checkpoints
insert into rule_checkpoint (machine_id, as_of, state)
select * from unnest(%(machines)s::integer[], %(as_of)s::timestamptz[], %(states)s::bytea[])
on conflict (machine_id, as_of) do update set state = excluded.state

-- name: forget_checkpoints
delete from rule_checkpoint
using unnest(%(machines)s::integer[], %(times)s::timestamptz[]) as late (machine_id, since)
where rule_checkpoint.machine_id = late.machine_id and rule_checkpoint.as_of >= late.since

-- name: thin_checkpoints
with ranked as (
    select machine_id, as_of,
        max(as_of) over (partition by machine_id) as newest,
        row_number() over (
            partition by machine_id, date_trunc('day', as_of) order by as_of desc
        ) as in_day
    from rule_checkpoint
    where machine_id = any(%(machines)s::integer[])
)
delete from rule_checkpoint
using ranked
where ranked.machine_id = rule_checkpoint.machine_id
    and ranked.as_of = rule_checkpoint.as_of
    and (
        ranked.as_of < ranked.newest - interval '30 days'
        or (ranked.as_of < ranked.newest - interval '1 day' and ranked.in_day > 1)
    )

-- name: put_now
insert into machine_now (machine_id, measured_at, regime, regime_since, signals)
select machine_id, to_timestamp(measured_at / 1000.0), regime, to_timestamp(regime_since / 1000.0),
    signals
from jsonb_to_recordset(%(known)s::jsonb) as known
    (machine_id integer, measured_at bigint, regime text, regime_since bigint, signals jsonb)
on conflict (machine_id) do update
set measured_at = excluded.measured_at, regime = excluded.regime,
    regime_since = excluded.regime_since, signals = excluded.signals

-- name: unshown
select rule_state.machine_id, machine.product, rule_state.state
from rule_state
join machine on machine.id = rule_state.machine_id
left join machine_now on machine_now.machine_id = rule_state.machine_id
where mod(rule_state.machine_id, 16) = any(%(partitions)s::integer[])
    and (machine_now.measured_at is null or machine_now.measured_at < rule_state.as_of)
order by rule_state.machine_id

-- name: put_faults_now
insert into machine_now (machine_id, faults)
select * from unnest(%(machines)s::integer[], %(faults)s::jsonb[])
on conflict (machine_id) do update set faults = excluded.faults

-- name: put_connections
insert into machine_now (machine_id, connection, connection_since)
select * from unnest(%(machines)s::integer[], %(connections)s::text[], %(since)s::timestamptz[])
on conflict (machine_id) do update
set connection = excluded.connection, connection_since = excluded.connection_since

-- name: contacts
-- As columns: rows would cost a worker more than all it does with them.
select array_agg(machine.id) as machine_id,
    array_agg(machine.product) as product,
    array_agg((extract(epoch from machine.registered_at) * 1000)::bigint) as registered_at,
    array_agg((extract(epoch from machine_ledger.last_received_at) * 1000)::bigint) as heard_at,
    array_agg(coalesce(machine_ledger.status, '')) as status,
    array_agg((extract(epoch from machine_ledger.status_at) * 1000)::bigint) as status_at,
    array_agg(coalesce(machine_now.regime, '')) as regime,
    array_agg(coalesce(machine_now.connection, '')) as connection
from machine
left join machine_ledger on machine_ledger.machine_id = machine.id
left join machine_now on machine_now.machine_id = machine.id
where machine.retired_at is null and mod(machine.id, 16) = any(%(partitions)s::integer[])

-- name: fault_reports
select machine_id, measured_at, active
from fault_report
where machine_id = %(machine)s::integer
    and measured_at > %(after)s::timestamptz and measured_at <= %(until)s::timestamptz
order by measured_at

-- name: fault_report_before
select max(measured_at) as measured_at
from fault_report
where machine_id = %(machine)s::integer and measured_at <= %(moment)s::timestamptz

-- name: first_samples
select machine_id, first_measured_at from machine_ledger
where machine_id = any(%(machines)s::integer[]) and first_measured_at is not null
