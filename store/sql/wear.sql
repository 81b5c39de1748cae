-- name: due_parts
select fitted_part.id as fitted_part_id, fitted_part.machine_id, fitted_part.part,
    fitted_part.position, fitted_part.fitted_at, part_usage.used, part_usage.per_day,
    remaining_life.unit,
    remaining_life.p10, remaining_life.p50, remaining_life.p90, remaining_life.due_p10,
    remaining_life.due_p50, remaining_life.worn_share
from fitted_part
join remaining_life on remaining_life.fitted_part_id = fitted_part.id
join part_usage on part_usage.fitted_part_id = fitted_part.id
where fitted_part.machine_id = any(%(machine_ids)s) and fitted_part.removed_at is null
    and remaining_life.due_p10 <= %(until)s
order by fitted_part.machine_id, fitted_part.part, remaining_life.due_p10, fitted_part.id;

-- name: due_services
select machine_id, service, hours, due_hours, due_at, since, announce
from service_due
where machine_id = any(%(machine_ids)s)
    and (announce or due_hours - hours <= %(within_h)s or due_at <= %(until)s)
order by machine_id, due_hours;

-- name: announced
select finding.machine_id, finding.kind, finding.source
from finding
left join ticket on ticket.id = finding.ticket_id
left join lateral (
    select max(at) as at from ticket_event where ticket_event.ticket_id = ticket.id
) ended on true
where finding.machine_id = any(%(machine_ids)s) and finding.kind in ('wear', 'service', 'inspection')
    and (ticket.status not in ('done', 'cancelled')
        or coalesce(ended.at, finding.decided_at) > %(rest_since)s);

-- name: machines_to_assess
select machine.id, machine.product, machine.commissioned_on, machine.serial, machine.lat
from machine
where machine.retired_at is null
    and (%(machine_ids)s::integer[] is null or machine.id = any(%(machine_ids)s::integer[]))
order by machine.id;

-- name: live_parts
select fitted_part.id, fitted_part.machine_id, fitted_part.part, fitted_part.position,
    fitted_part.fitted_at, fitted_part.removed_at, part_usage.used, machine.model, station.region
from fitted_part
join machine on machine.id = fitted_part.machine_id
join station on station.id = machine.station
left join part_usage on part_usage.fitted_part_id = fitted_part.id
where fitted_part.machine_id = any(%(machine_ids)s) and fitted_part.removed_at is null
order by fitted_part.id;

-- name: lives
select machine.product, machine.model, station.region, fitted_part.part, fitted_part.used_before,
    part_usage.used, fitted_part.fitted_at, fitted_part.removed_at, fitted_part.removed_reason
from fitted_part
join machine on machine.id = fitted_part.machine_id
join station on station.id = machine.station
left join part_usage on part_usage.fitted_part_id = fitted_part.id
where (machine.product, fitted_part.part) in (
    select peer.product, ended.part
    from fitted_part as ended
    join machine as peer on peer.id = ended.machine_id
    where ended.removed_reason in ('worn', 'failed'))
order by machine.product, fitted_part.part, fitted_part.id;

-- name: put_assessed_usage
insert into part_usage (fitted_part_id, at_fitting, used, per_day, as_of)
select given.id, 0, given.used, given.per_day, %(now)s
from unnest(%(ids)s::bigint[], %(used)s::double precision[], %(per_day)s::double precision[])
    as given (id, used, per_day)
on conflict (fitted_part_id) do update
set used = excluded.used, per_day = excluded.per_day;

-- name: put_remaining_life
insert into remaining_life (fitted_part_id, as_of, unit, p10, p50, p90, due_p10, due_p50, due_p90,
    worn_share, method, sample_size, worn_by, plain_by, condition)
select given.id, %(now)s, given.unit, given.p10, given.p50, given.p90, given.due_p10,
    given.due_p50, given.due_p90, given.worn_share, given.method, given.sample_size,
    given.worn_by::double precision[], given.plain_by::double precision[], given.condition
from unnest(%(ids)s::bigint[], %(units)s::text[], %(p10)s::double precision[],
    %(p50)s::double precision[], %(p90)s::double precision[], %(due_p10)s::timestamptz[],
    %(due_p50)s::timestamptz[], %(due_p90)s::timestamptz[], %(worn_share)s::double precision[],
    %(methods)s::text[], %(sample_sizes)s::integer[], %(worn_by)s::text[], %(plain_by)s::text[],
    %(condition)s::jsonb[])
    as given (id, unit, p10, p50, p90, due_p10, due_p50, due_p90, worn_share, method, sample_size,
        worn_by, plain_by, condition)
on conflict (fitted_part_id) do update
set as_of = excluded.as_of, unit = excluded.unit, p10 = excluded.p10, p50 = excluded.p50,
    p90 = excluded.p90, due_p10 = excluded.due_p10, due_p50 = excluded.due_p50,
    due_p90 = excluded.due_p90, worn_share = excluded.worn_share, method = excluded.method,
    sample_size = excluded.sample_size, worn_by = excluded.worn_by,
    plain_by = excluded.plain_by, condition = excluded.condition;

-- name: peers_per_day
select machine.product, fitted_part.part, avg(part_usage.per_day) as per_day
from part_usage
join fitted_part on fitted_part.id = part_usage.fitted_part_id
join machine on machine.id = fitted_part.machine_id
where fitted_part.removed_at is null and part_usage.per_day is not null
group by machine.product, fitted_part.part;

-- name: last_services
select distinct on (machine_id, service) machine_id, service, done_at, hours
from service_done
where machine_id = any(%(machine_ids)s)
order by machine_id, service, done_at desc;

-- name: put_services_due
insert into service_due (machine_id, service, hours, due_hours, due_at, since, announce, as_of)
select given.*, %(now)s
from unnest(%(machine_ids)s::integer[], %(services)s::text[], %(hours)s::double precision[],
    %(due_hours)s::double precision[], %(due_at)s::timestamptz[], %(since)s::timestamptz[],
    %(announce)s::boolean[]) as given
on conflict (machine_id, service) do update
set hours = excluded.hours, due_hours = excluded.due_hours, due_at = excluded.due_at,
    since = excluded.since, announce = excluded.announce, as_of = excluded.as_of;

-- name: drop_services_due
delete from service_due
where machine_id = any(%(machine_ids)s) and as_of < %(now)s;

-- name: record_fitted
update fitted_part
set fitted_at = given.fitted_at, used_before = given.used_before
from unnest(%(machine_ids)s::integer[], %(parts)s::text[], %(positions)s::text[],
    %(fitted_at)s::timestamptz[], %(used_before)s::double precision[])
    as given (machine_id, part, position, fitted_at, used_before)
where fitted_part.machine_id = given.machine_id and fitted_part.part = given.part
    and fitted_part.position = given.position and fitted_part.removed_at is null;
