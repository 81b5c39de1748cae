-- name: machine
select machine.id, machine.serial, machine.product, machine.station, machine.tier,
    machine.retired_at
from machine
where machine.id = %(machine_id)s;

-- name: known_finding
select id, outcome, reason, ticket_id
from finding
where machine_id = %(machine_id)s and kind = %(kind)s and source = %(source)s
    and component = %(component)s and happened_at = %(happened_at)s;

-- name: planned_visit
select id, number, priority, target_at
from ticket
where machine_id = %(machine_id)s and status in ('new', 'assigned', 'accepted')
for update;

-- name: open_items
select ticket_item.kind, ticket_item.source, ticket_item.component, ticket.number,
    ticket.id as ticket_id, ticket.status in ('travelling', 'working') as under_way
from ticket_item
join ticket on ticket.id = ticket_item.ticket_id
where ticket.machine_id = %(machine_id)s and ticket.status not in ('done', 'cancelled');

-- name: attach_alarm
update alarm set suppression = 'ticket' where id = %(alarm_id)s::bigint and suppression is null;

-- name: fitted_places
select id, part, position
from fitted_part
where machine_id = %(machine_id)s and removed_at is null
order by part, position;

-- name: open_visit
with given as (select nextval(pg_get_serial_sequence('ticket', 'id')) as id)
insert into ticket (id, number, machine_id, status, priority, title, station, opened_at,
    target_at, minutes, skill)
overriding system value
select given.id,
    'T-' || to_char(%(now)s::timestamptz, 'YYYY') || '-' || lpad(given.id::text, 6, '0'),
    %(machine_id)s, 'new', %(priority)s, %(title)s, %(station)s, %(now)s, %(target_at)s, 0, 'T1'
from given
returning id, number;

-- name: add_finding
insert into finding (machine_id, kind, source, component, severity, happened_at, late, evidence,
    alarm_id, fitted_part_id, decided_at, outcome, reason, ticket_id)
values (%(machine_id)s, %(kind)s, %(source)s, %(component)s, %(severity)s, %(happened_at)s,
    %(late)s, %(evidence)s, %(alarm_id)s, %(fitted_part_id)s, %(now)s, %(outcome)s, %(reason)s,
    %(ticket_id)s)
on conflict (machine_id, kind, source, component, happened_at) do nothing
returning id;

-- name: add_item
insert into ticket_item (ticket_id, finding_id, kind, source, component, severity, title, reason,
    evidence, failure_modes, added_at)
values (%(ticket_id)s, %(finding_id)s, %(kind)s, %(source)s, %(component)s, %(severity)s,
    %(title)s, %(reason)s, %(evidence)s, %(failure_modes)s, %(now)s);

-- name: items_so_far
select severity, title, failure_modes
from ticket_item
where ticket_id = %(ticket_id)s
order by id;

-- name: add_checks
insert into ticket_check (ticket_id, sequence, checklist, item, definition)
select %(ticket_id)s,
    (select coalesce(max(sequence), 0) from ticket_check where ticket_id = %(ticket_id)s)
        + row_number() over (order by given.place),
    given.checklist, given.definition ->> 'id', given.definition
from (
    select pair ->> 0 as checklist, pair -> 1 as definition, place
    from jsonb_array_elements(%(checks)s::jsonb) with ordinality as listed (pair, place)
) as given
where not exists (
    select from ticket_check
    where ticket_id = %(ticket_id)s and ticket_check.checklist = given.checklist
        and ticket_check.item = given.definition ->> 'id'
)
returning (definition ->> 'minutes')::double precision as minutes;

-- name: add_part
insert into ticket_part (ticket_id, part, fitted_part_id, quantity, reason)
values (%(ticket_id)s, %(part)s, %(fitted_part_id)s, %(quantity)s, %(reason)s)
on conflict (ticket_id, part, fitted_part_id)
    do update set quantity = greatest(ticket_part.quantity, excluded.quantity);

-- name: extend_visit
update ticket
set priority = %(priority)s, target_at = %(target_at)s, title = %(title)s,
    minutes = minutes + %(minutes)s, version = version + 1,
    skill = case when array_position(%(skills)s::text[], %(skill)s)
        > array_position(%(skills)s::text[], skill) then %(skill)s else skill end
where id = %(ticket_id)s;

-- name: add_event
insert into ticket_event (ticket_id, at, actor, from_status, to_status, note)
select %(ticket_id)s, %(now)s, %(actor)s, %(from_status)s, coalesce(%(to_status)s, status), %(note)s
from ticket
where id = %(ticket_id)s;
