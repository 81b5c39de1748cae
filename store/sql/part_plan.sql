-- name: fitted
select fitted_part.id, machine.serial, machine.product, machine.model, machine.station,
    machine.lat, station.region, fitted_part.part, fitted_part.position, fitted_part.fitted_at,
    part_usage.used, part_usage.per_day, fitted_part.used_before,
    coalesce(fitted_part.removed_at, part_usage.as_of, %(at)s) as used_until,
    remaining_life.as_of as assessed_at, remaining_life.worn_by, remaining_life.plain_by
from fitted_part
join machine on machine.id = fitted_part.machine_id
join station on station.id = machine.station
left join part_usage on part_usage.fitted_part_id = fitted_part.id
left join remaining_life on remaining_life.fitted_part_id = fitted_part.id
    and remaining_life.as_of between %(at)s::timestamptz - %(fresh)s::interval
        and %(at)s::timestamptz + %(fresh)s::interval
where machine.retired_at is null and fitted_part.fitted_at <= %(at)s
    and (fitted_part.removed_at is null or fitted_part.removed_at > %(at)s)
order by machine.product, fitted_part.part, machine.model, fitted_part.id;

-- name: paces
select machine.product, fitted_part.part, avg(part_usage.per_day) as per_day
from fitted_part
join machine on machine.id = fitted_part.machine_id
join part_usage on part_usage.fitted_part_id = fitted_part.id
where machine.retired_at is null and fitted_part.fitted_at <= %(at)s
    and (fitted_part.removed_at is null or fitted_part.removed_at > %(at)s)
    and part_usage.per_day is not null
group by 1, 2;

-- name: services
select machine.serial, machine.product, machine.station, station.region, service_due.service,
    service_due.hours, service_due.due_hours, service_due.due_at, service_due.as_of
from service_due
join machine on machine.id = service_due.machine_id
join station on station.id = machine.station
where machine.retired_at is null and service_due.due_at is not null
order by machine.product, service_due.service, service_due.machine_id;

-- name: put_run
insert into plan_run (month, as_of, made_by, version, settings, summary)
values (%(month)s, %(as_of)s, %(made_by)s, %(version)s, %(settings)s, %(summary)s)
returning id;

-- name: put_demand
insert into plan_demand (run_id, number, region, month, mean, sources, quantiles, chances)
values (%(run_id)s, %(number)s, %(region)s, %(month)s, %(mean)s, %(sources)s, %(quantiles)s,
    %(chances)s);

-- name: put_line
insert into plan_line (run_id, number, product, part, warehouse, value_class, service_level, price,
    on_hand, inbound, owed, position, level, own_level, cover_days, expected, high, order_quantity,
    emergency_quantity, transfers, surplus, order_on, rule_quantity, returns, reasons)
values (%(run_id)s, %(number)s, %(product)s, %(part)s, %(warehouse)s, %(value_class)s,
    %(service_level)s, %(price)s, %(on_hand)s, %(inbound)s, %(owed)s, %(position)s, %(level)s,
    %(own_level)s, %(cover_days)s, %(expected)s, %(high)s, %(order_quantity)s,
    %(emergency_quantity)s, %(transfers)s, %(surplus)s, %(order_on)s, %(rule_quantity)s,
    %(returns)s, %(reasons)s);

-- name: runs
select id, month, as_of, made_by, version, settings, summary
from plan_run
where (%(id)s::bigint is null or id = %(id)s)
    and (%(before)s::bigint is null or id < %(before)s)
order by id desc
limit %(limit)s;

-- name: last_run
select max(as_of) as as_of from plan_run where month = %(month)s;

-- name: demand
select number, region, month, mean, sources, quantiles, chances
from plan_demand
where run_id = %(run_id)s and (%(number)s::text is null or number = %(number)s)
    and (region = %(region)s::text or region is null and %(region)s::text is null
        or %(every)s::boolean)
order by number, region nulls first, month;

-- name: lines
select plan_line.*, warehouse.level as warehouse_level, warehouse.region,
    warehouse.name as warehouse_name, plan_override.quantity as override_quantity,
    plan_override.reason as override_reason, plan_override.made_by as override_by,
    plan_override.made_at as override_at
from plan_line
join warehouse on warehouse.id = plan_line.warehouse
left join plan_override on plan_override.line_id = plan_line.id
where (%(run_id)s::bigint is null or plan_line.run_id = %(run_id)s)
    and (%(id)s::bigint is null or plan_line.id = %(id)s)
    and (%(warehouse)s::text is null or plan_line.warehouse = %(warehouse)s)
    and (%(region)s::text is null or warehouse.region = %(region)s)
    and (%(number)s::text is null or plan_line.number = %(number)s)
    and (%(action)s::text is null
        or %(action)s = 'order' and plan_line.order_quantity > 0
        or %(action)s = 'transfer' and plan_line.transfers <> '[]'::jsonb
        or %(action)s = 'emergency' and plan_line.emergency_quantity > 0
        or %(action)s = 'surplus' and plan_line.surplus > 0
        or %(action)s = 'override' and plan_override.line_id is not null)
    and plan_line.id > %(after)s
order by plan_line.id
limit %(limit)s;

-- name: put_override
insert into plan_override (line_id, quantity, reason, made_by, made_at)
values (%(line_id)s, %(quantity)s, %(reason)s, %(made_by)s, %(now)s)
on conflict (line_id) do update
set quantity = excluded.quantity, reason = excluded.reason, made_by = excluded.made_by,
    made_at = excluded.made_at;

-- name: drop_override
delete from plan_override where line_id = %(line_id)s returning line_id;

-- name: asked
-- What was issued is put together once for all ends.
select span.until, issued.warehouse, issued.number, sum(issued.quantity)::integer as quantity
from (
    select warehouse, number, quantity, issued_at from part_issued
    where issued_at >= %(since)s::timestamptz
    offset 0
) as issued
join unnest(%(untils)s::timestamptz[]) as span (until) on issued.issued_at < span.until
group by 1, 2, 3;
