-- name: add_faults
insert into fault_report (machine_id, measured_at, batch_id, active)
select given.machine_id, given.measured_at, %(batch)s::bigint, given.active
from unnest(%(machines)s::integer[], %(measured_at)s::timestamptz[], %(active)s::jsonb[])
    given (machine_id, measured_at, active)
order by given.machine_id, given.measured_at
on conflict (machine_id, measured_at) do nothing
returning machine_id, measured_at

-- name: lock_fault
select active from fault_report
where machine_id = %(machine)s::integer and measured_at = %(measured_at)s::timestamptz
for update

-- name: merge_fault
update fault_report set active = %(active)s::jsonb, batch_id = %(batch)s::bigint
where machine_id = %(machine)s::integer and measured_at = %(measured_at)s::timestamptz

-- name: read_faults
select machine_id, measured_at, active from fault_report
where batch_id = %(batch)s::bigint
order by machine_id, measured_at

-- name: put_statuses
insert into status_report as old (machine_id, measured_at, batch_id, state)
select given.machine_id, given.measured_at, %(batch)s::bigint, given.state
from unnest(%(machines)s::integer[], %(measured_at)s::timestamptz[], %(states)s::text[])
    given (machine_id, measured_at, state)
order by given.machine_id, given.measured_at
on conflict (machine_id, measured_at) do update
set state = excluded.state, batch_id = excluded.batch_id
where old.state <> excluded.state
returning machine_id, measured_at, xmax = 0 as stored

-- name: read_statuses
select machine_id, measured_at, state from status_report
where batch_id = %(batch)s::bigint
order by machine_id, measured_at
