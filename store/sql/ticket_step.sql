-- name: ticket_for_step
select ticket.id, ticket.number, ticket.machine_id, machine.product, machine.tier, ticket.status,
    ticket.assignee, ticket.version, ticket.opened_at
from ticket
join machine on machine.id = ticket.machine_id
where ticket.number = %(number)s
for update of ticket;

-- name: set_status
update ticket
set status = %(to)s, version = version + 1,
    assignee = case when %(to)s = 'new' then null
        else coalesce(%(assignee)s::text, assignee) end,
    arrived_at = case when %(to)s = 'working' then %(now)s::timestamptz else arrived_at end,
    done_at = case when %(to)s = 'done' then %(now)s::timestamptz end,
    finding_code = %(code)s, finding_note = coalesce(%(note)s::text, finding_note)
where id = %(ticket_id)s
returning version;

-- name: touch
update ticket set version = version + 1 where id = %(ticket_id)s returning version;

-- name: set_planned
update ticket set planned_at = %(planned_at)s, version = version + 1
where id = %(ticket_id)s
returning version;

-- name: checks
select sequence, checklist, definition, passed from ticket_check where ticket_id = %(ticket_id)s
order by sequence;

-- name: answer_checks
update ticket_check
set answer = given.answer, passed = given.passed, answered_at = %(now)s, answered_by = %(actor)s
from unnest(%(sequences)s::smallint[], %(answers)s::jsonb[], %(passed)s::boolean[])
    as given (sequence, answer, passed)
where ticket_check.ticket_id = %(ticket_id)s and ticket_check.sequence = given.sequence;

-- name: answer_parts
update ticket_part
set replaced = given.replaced, found = given.found
from unnest(%(part_ids)s::bigint[], %(replaced)s::boolean[], %(found)s::text[])
    as given (id, replaced, found)
where ticket_part.ticket_id = %(ticket_id)s and ticket_part.id = given.id
returning ticket_part.id;

-- name: items
select ticket_item.id, ticket_item.kind, ticket_item.source, ticket_item.title ->> 'en' as title,
    count(ticket_part.id) filter (where ticket_part.replaced is null) as parts_open,
    count(ticket_part.id) filter (where ticket_part.replaced) as replaced
from ticket_item
left join ticket_part on ticket_part.ticket_id = ticket_item.ticket_id
    and ticket_item.kind = 'wear' and ticket_part.part = ticket_item.source
    and ticket_item.evidence -> 'fitted_part_ids' @> to_jsonb(ticket_part.fitted_part_id)
where ticket_item.ticket_id = %(ticket_id)s
group by ticket_item.id
order by ticket_item.id;

-- name: set_item_codes
update ticket_item set finding_code = given.code
from unnest(%(ids)s::bigint[], %(codes)s::text[]) as given (id, code)
where ticket_item.id = given.id and ticket_item.ticket_id = %(ticket_id)s;

-- name: keep_unanswered_parts
update ticket_part set replaced = false where ticket_id = %(ticket_id)s and replaced is null;

-- name: replace_parts
with replaced as (
    select fitted_part.id, fitted_part.machine_id, fitted_part.part, fitted_part.position,
        ticket_part.found
    from ticket_part
    join fitted_part on fitted_part.id = ticket_part.fitted_part_id
    where ticket_part.ticket_id = %(ticket_id)s and ticket_part.replaced
        and fitted_part.removed_at is null
)
update fitted_part
set removed_at = %(now)s, removed_reason = replaced.found, removed_ticket = %(ticket_id)s
from replaced
where fitted_part.id = replaced.id
returning fitted_part.id;

-- name: fit_new_parts
insert into fitted_part (machine_id, part, position, fitted_at)
select machine_id, part, position, %(now)s
from fitted_part
where id = any(%(removed)s);

-- name: forget_remaining_life
delete from remaining_life where fitted_part_id = any(%(removed)s);

-- name: fulfil_alerts
update part_alert
set status = 'done', ticket_id = %(ticket_id)s, changed_at = %(now)s, changed_by = %(actor)s
where fitted_part_id = any(%(removed)s) and status in ('open', 'ordered');

-- name: operating_hours
select coalesce(
    (select (state ->> 'hours')::double precision from usage_state
        where machine_id = %(machine_id)s),
    (select (signals -> %(signal)s ->> 0)::double precision from machine_now
        where machine_id = %(machine_id)s),
    0
) as hours;

-- name: services_done
insert into service_done (machine_id, service, done_at, hours, ticket_id)
select %(machine_id)s, service, %(now)s, %(hours)s, %(ticket_id)s
from unnest(%(services)s::text[]) as given (service)
on conflict do nothing;

-- name: lock_alarms
-- In the order in which the rules take them: alarms before their machine's ticket.
select alarm.id
from alarm
join ticket on ticket.machine_id = alarm.machine_id
where ticket.number = %(number)s and alarm.state in ('active', 'acknowledged', 'returned')
order by alarm.id
for update of alarm;

-- name: settle_alarms
-- What has returned is over. What still stands waits to be told anew, should it stay.
update alarm
set state = case state when 'returned' then 'cleared' else 'acknowledged' end,
    acknowledged_at = coalesce(acknowledged_at, %(now)s),
    acknowledged_by = coalesce(acknowledged_by, %(actor)s),
    cleared_at = case when state = 'returned' then %(now)s::timestamptz end,
    suppression = case when suppression = 'ticket' then null else suppression end,
    visited_at = case when state = 'returned' then visited_at else %(now)s::timestamptz end,
    judged = state = 'returned' and judged
where state in ('active', 'acknowledged', 'returned')
    and id in (select alarm_id from finding where ticket_id = %(ticket_id)s);

-- name: let_go_alarms
-- Those that were attached to the ticket: nobody has decided about them yet. What made the ticket
-- was decided by whoever cancelled it.
update alarm
set suppression = case when suppression = 'ticket' then null else suppression end,
    state = case state when 'acknowledged' then 'active' else state end,
    acknowledged_at = case when state = 'returned' then acknowledged_at end,
    acknowledged_by = case when state = 'returned' then acknowledged_by end,
    let_go_at = case when state = 'returned' then let_go_at else %(now)s::timestamptz end,
    judged = state = 'returned' and judged
where state in ('active', 'acknowledged', 'returned') and judged
    and (
        select (finding.ticket_id, finding.outcome) = (%(ticket_id)s::bigint, 'attached')
        from finding
        where finding.alarm_id = alarm.id
        order by finding.id desc
        limit 1
    )
    and id in (select alarm_id from finding where ticket_id = %(ticket_id)s);
