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
insert into status_report as old (machine_id, measured_at, batch_id, state, delivery)
select given.machine_id, given.measured_at, %(batch)s::bigint, given.state, given.delivery
from unnest(%(machines)s::integer[], %(measured_at)s::timestamptz[], %(states)s::text[],
    %(deliveries)s::text[]) given (machine_id, measured_at, state, delivery)
order by given.machine_id, given.measured_at
on conflict (machine_id, measured_at) do update
set state = excluded.state, batch_id = excluded.batch_id, delivery = excluded.delivery
where old.state <> excluded.state
returning machine_id, measured_at, xmax = 0 as stored

-- name: known_statuses
select given.machine_id, given.delivery, found.state, found.measured_at
from unnest(%(machines)s::integer[], %(deliveries)s::text[]) given (machine_id, delivery)
cross join lateral (
    select state, measured_at from status_report
    where machine_id = given.machine_id
        and (given.delivery is null or delivery = given.delivery)
    order by measured_at desc
    limit 1) found

-- name: read_statuses
select machine_id, measured_at, state from status_report
where batch_id = %(batch)s::bigint
order by machine_id, measured_at
