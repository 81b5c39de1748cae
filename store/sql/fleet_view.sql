-- name: machines
select machine.id, machine.serial, machine.product, machine.model, machine.tier, machine.site,
    machine.lat, machine.lon, machine.commissioned_on, machine.registered_at,
    customer.id as customer, customer.name as customer_name,
    station.id as station, station.name as station_name,
    region.id as region, region.name as region_name,
    machine.retired_at,
    coalesce(machine_health.health, 'unknown') as health, machine_health.health_index,
    coalesce(machine_now.connection, 'never_seen') as connection,
    machine_now.connection_since, machine_now.regime, machine_now.regime_since,
    machine_now.measured_at,
    coalesce(machine_now.signals, '{}') as signals,
    coalesce(machine_now.faults, '[]') as faults,
    (
        select count(*) from alarm where alarm.machine_id = machine.id
            and alarm.state in ('active', 'acknowledged', 'returned')
    ) as live_alarms,
    (
        select count(*) from ticket where ticket.machine_id = machine.id
            and ticket.status not in ('done', 'cancelled')
    ) as open_tickets
from machine
left join machine_health on machine_health.machine_id = machine.id
join customer on customer.id = machine.customer
join station on station.id = machine.station
join region on region.id = station.region
left join machine_now on machine_now.machine_id = machine.id
where machine.serial > coalesce(%(after)s::text, '')
    and (%(serial)s::text is null or machine.serial = %(serial)s::text)
    and (%(retired)s::boolean is null or (machine.retired_at is not null) = %(retired)s::boolean)
    and (%(product)s::text is null or machine.product = %(product)s::text)
    and (%(region)s::text is null or region.id = %(region)s::text)
    and (%(station)s::text is null or station.id = %(station)s::text)
    and (%(health)s::text is null or machine_health.health = %(health)s::text)
    and (
        %(text)s::text is null
        or position(
            lower(%(text)s::text) in lower(concat_ws(
                ' ', machine.serial, machine.model,
                customer.name ->> 'en', customer.name ->> 'zh',
                machine.site ->> 'en', machine.site ->> 'zh'
            ))
        ) > 0
    )
order by machine.serial
limit %(limit)s::integer

-- name: machines_per_product
select product, count(*) as machines from machine where retired_at is null group by product

-- name: services_due
select service, hours, due_hours, due_at, since, announce, as_of
from service_due where machine_id = %(machine_id)s::integer
order by due_hours - hours, service

-- name: fitted_parts
select fitted_part.id, machine.serial, machine.product, station.region,
    fitted_part.part, fitted_part.position, fitted_part.fitted_at,
    part_usage.used, part_usage.per_day, part_usage.as_of as used_as_of,
    remaining_life.as_of, remaining_life.unit, remaining_life.p10, remaining_life.p50,
    remaining_life.p90, remaining_life.due_p10, remaining_life.due_p50, remaining_life.due_p90,
    remaining_life.worn_share, remaining_life.method, remaining_life.sample_size,
    remaining_life.condition,
    coalesce(remaining_life.due_p10, %(never)s::timestamptz) as urgent_at
from fitted_part
join machine on machine.id = fitted_part.machine_id
join station on station.id = machine.station
left join part_usage on part_usage.fitted_part_id = fitted_part.id
left join remaining_life on remaining_life.fitted_part_id = fitted_part.id
where fitted_part.removed_at is null
    and machine.retired_at is null
    and (%(serial)s::text is null or machine.serial = %(serial)s::text)
    and (%(product)s::text is null or machine.product = %(product)s::text)
    and (%(region)s::text is null or station.region = %(region)s::text)
    and (%(part)s::text is null or fitted_part.part = %(part)s::text)
    and (
        %(after_id)s::bigint is null
        or (coalesce(remaining_life.due_p10, %(never)s::timestamptz), fitted_part.id)
            > (%(after_urgent_at)s::timestamptz, %(after_id)s::bigint)
    )
order by urgent_at, fitted_part.id
limit %(limit)s::integer

-- name: health_groups
select station.region, machine.product, machine_health.health,
    count(*) as machines,
    coalesce(sum(machine_health.health_index), 0) as index_sum
from machine
join machine_health on machine_health.machine_id = machine.id
join station on station.id = machine.station
group by station.region, machine.product, machine_health.health

-- name: regions
select id, name from region order by id

-- name: open_tickets
select priority, count(*) as open,
    count(*) filter (where assignee is null) as unassigned,
    count(*) filter (where arrived_at is null and target_at < %(now)s::timestamptz) as overdue
from ticket where status not in ('done', 'cancelled')
group by priority order by priority

-- name: promises
select ticket.number, machine.serial, ticket.title, ticket.status, ticket.priority,
    ticket.station, station.name as station_name, ticket.assignee, ticket.target_at
from ticket
join machine on machine.id = ticket.machine_id
join station on station.id = ticket.station
where ticket.status not in ('done', 'cancelled') and ticket.arrived_at is null
order by ticket.target_at, ticket.id
limit %(limit)s::integer

-- name: parts_due
select count(*) filter (where status = 'open') as open,
    count(*) filter (where status = 'open' and order_by < %(soon)s::timestamptz) as order_now,
    count(*) filter (where status = 'ordered') as ordered
from part_alert where status in ('open', 'ordered')

-- name: standing_alarms
select severity, count(*) as alarms from alarm
where state in ('active', 'acknowledged') group by severity order by severity

-- name: connections
select coalesce(machine_now.connection, 'never_seen') as connection, count(*) as machines
from machine
left join machine_now on machine_now.machine_id = machine.id
where machine.retired_at is null
group by 1 order by 1

-- name: freshness
select max(last_measured_at) as newest_measured_at, max(last_received_at) as newest_received_at,
    count(*) filter (where last_received_at > %(since)s::timestamptz) as reporting
from machine_ledger

-- name: decisions
-- What needs a decision now, at most so many of each kind, so that none crowds out the others. The
-- weight orders across kinds: a machine that stands still and nobody is on it, a broken promise,
-- one that a visit left standing, an urgent ticket without a technician, a part that is late to
-- order, then what still has time. One part on many machines is one decision, told by the machine
-- that needs it first.
-- Rules that open no visits by design, and alarms that somebody silenced, are nobody's to decide.
with open_ticket as (
    select * from ticket where status not in ('done', 'cancelled')
), no_visits as materialized (
    select product.id as product, rule.value ->> 'id' as rule
    from product, jsonb_array_elements(product.plan -> 'rules') as rule
    where rule.value -> 'ticket' = 'false'
), alone as (
    select alarm.*
    from alarm
    join machine on machine.id = alarm.machine_id
    where alarm.state in ('active', 'acknowledged') and alarm.severity >= 3
        and (alarm.suppression is null or alarm.suppression in ('ticket', 'recurrence'))
        and not exists (select from open_ticket where open_ticket.machine_id = alarm.machine_id)
        and not exists (
            select from no_visits
            where no_visits.product = machine.product and no_visits.rule = alarm.rule
        )
), pressing as (
    select case when visited_at is not null and not judged then 'stopped_after_visit'
            else 'stopped_without_ticket' end as kind,
        case when visited_at is not null and not judged then 84 else 100 + severity end as weight,
        machine_id, raised_at as since, rule as subject,
        null::text as number, id as alarm_id, null::bigint as part_alert_id,
        null::jsonb as title, 1 as machines, null::bigint as quantity
    from alone
    where severity = 4
    union all
    select 'promise_broken', 90 + (4 - priority), machine_id, target_at, null,
        number, null, null, title, 1, null
    from open_ticket where arrived_at is null and target_at < %(now)s::timestamptz
    union all
    select 'unassigned', case when priority <= 2 then 70 else 50 end + (4 - priority), machine_id,
        opened_at, null, number, null, null, title, 1, null
    from open_ticket
    where assignee is null and target_at >= %(now)s::timestamptz and arrived_at is null
    union all
    select 'unacknowledged', 60 + severity, machine_id, raised_at, rule, null, id, null, null, 1,
        null
    from alone
    where state = 'active' and severity = 3
    union all
    select 'order_part', case when min(order_by) < %(now)s::timestamptz then 58 else 48 end,
        (array_agg(machine_id order by order_by, part_alert.id))[1], min(order_by), part, null,
        null, (array_agg(part_alert.id order by order_by, part_alert.id))[1], null,
        count(distinct machine_id), sum(quantity)
    from part_alert join machine on machine.id = part_alert.machine_id
    where status = 'open' and order_by < %(soon)s::timestamptz
    group by machine.product, part
), ranked as (
    select *, count(*) over (partition by kind) as of_kind,
        row_number() over (partition by kind order by weight desc, since, machine_id, subject)
            as place
    from pressing
)
select ranked.kind, ranked.since, ranked.subject, ranked.number, ranked.alarm_id,
    ranked.part_alert_id, ranked.title, ranked.machines, ranked.quantity, ranked.of_kind,
    machine.serial, machine.product, region.id as region, region.name as region_name,
    machine_health.health
from ranked
join machine on machine.id = ranked.machine_id
join machine_health on machine_health.machine_id = machine.id
join station on station.id = machine.station
join region on region.id = station.region
where ranked.place <= %(of_each)s::integer
order by ranked.weight desc, ranked.since, machine.serial, ranked.kind, ranked.subject
