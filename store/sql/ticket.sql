-- name: tickets
select ticket.id, ticket.number, machine.serial, machine.product, machine.model, machine.customer,
    customer.name as customer_name, machine.site, machine.lat, machine.lon, station.region,
    ticket.station, station.name as station_name, ticket.status, ticket.priority, ticket.title,
    ticket.assignee, ticket.opened_at, ticket.target_at, ticket.planned_at, ticket.arrived_at,
    ticket.done_at, ticket.minutes, ticket.skill, ticket.finding_code, ticket.finding_note,
    ticket.version
from ticket
join machine on machine.id = ticket.machine_id
join customer on customer.id = machine.customer
join station on station.id = ticket.station
where (%(number)s::text is null or ticket.number = %(number)s)
    and (%(open)s::boolean is null
        or (ticket.status not in ('done', 'cancelled')) = %(open)s::boolean)
    and (%(status)s::text is null or ticket.status = %(status)s)
    and (%(station)s::text is null or ticket.station = %(station)s)
    and (%(region)s::text is null or station.region = %(region)s)
    and (%(product)s::text is null or machine.product = %(product)s)
    and (%(serial)s::text is null or machine.serial = %(serial)s)
    and (%(assignee)s::text is null or ticket.assignee = %(assignee)s)
    and (%(priority)s::smallint is null or ticket.priority = %(priority)s)
    and (%(sees_name)s::text is null or ticket.assignee is null
        or ticket.assignee = %(sees_name)s or ticket.station = %(sees_station)s::text)
    and (%(after_id)s::bigint is null or (ticket.priority, ticket.target_at, ticket.id)
        > (%(after_priority)s::smallint, %(after_target)s::timestamptz, %(after_id)s::bigint))
order by ticket.priority, ticket.target_at, ticket.id
limit %(limit)s;

-- name: items
select ticket_item.id, ticket_item.kind, ticket_item.source, ticket_item.component,
    ticket_item.severity, ticket_item.title, ticket_item.reason, ticket_item.evidence,
    ticket_item.failure_modes, ticket_item.added_at, finding.alarm_id,
    ticket_item.finding_code, ticket_item.note,
    alarm_rule.rule_version, alarm_rule.rule_version_since, alarm_rule.rule_version_today
from ticket_item
join finding on finding.id = ticket_item.finding_id
left join alarm_rule on alarm_rule.alarm_id = finding.alarm_id
where ticket_item.ticket_id = %(ticket_id)s
order by ticket_item.severity desc, ticket_item.id;

-- name: checks
select sequence, checklist, item, definition, answer, passed, answered_at, answered_by
from ticket_check
where ticket_id = %(ticket_id)s
order by sequence;

-- name: parts
select ticket_part.id, ticket_part.part, ticket_part.fitted_part_id, fitted_part.position,
    ticket_part.quantity, ticket_part.reason, ticket_part.replaced, ticket_part.found
from ticket_part
left join fitted_part on fitted_part.id = ticket_part.fitted_part_id
where ticket_part.ticket_id = %(ticket_id)s
order by ticket_part.id;

-- name: events
select at, actor, from_status, to_status, note
from ticket_event
where ticket_id = %(ticket_id)s
order by id;

-- name: attached
-- Alarms that came while the ticket was open and were not raised anew, the latest first.
select finding.source as rule, finding.component, finding.severity, finding.happened_at,
    finding.alarm_id, finding.reason
from finding
where finding.ticket_id = %(ticket_id)s and finding.outcome = 'attached'
order by finding.happened_at desc, finding.id desc
limit 200;

-- name: promises_kept
select count(*) filter (where arrived_at <= target_at) as kept,
    count(*) filter (where arrived_at > target_at
        or (arrived_at is null and target_at < %(now)s::timestamptz)) as broken
from ticket
where opened_at >= %(since)s::timestamptz and status <> 'cancelled';

-- name: found_items
select ticket.machine_id, ticket_item.source, ticket_item.failure_modes, ticket_item.finding_code,
    finding.happened_at, coalesce(ticket.arrived_at, ticket.done_at) as seen_at
from ticket_item
join ticket on ticket.id = ticket_item.ticket_id
join finding on finding.id = ticket_item.finding_id
where ticket.machine_id = any(%(machines)s::integer[]) and ticket.status = 'done'
    and ticket_item.kind = 'alarm'
    and ticket.done_at >= %(since)s::timestamptz and ticket.opened_at < %(until)s::timestamptz
order by ticket.machine_id, ticket_item.id;
