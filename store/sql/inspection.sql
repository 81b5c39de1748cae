-- name: looks
select machine.id, machine.lat, machine.lon, machine.commissioned_on,
    machine.registered_at, looked.at as looked_at
from machine
left join lateral (
    select max(ticket.done_at) as at from ticket
    where ticket.machine_id = machine.id and ticket.status = 'done'
) looked on true
where machine.id = any(%(machine_ids)s);

-- name: visits_planned
select ticket.number, ticket.machine_id, machine.lat, machine.lon,
    greatest(coalesce(ticket.planned_at, ticket.target_at), %(now)s) as at
from ticket
join machine on machine.id = ticket.machine_id
where ticket.status in ('new', 'assigned', 'accepted');

-- name: put
insert into inspection_due (machine_id, due_at, reason, evidence, as_of)
select given.*, %(now)s
from unnest(%(machine_ids)s::integer[], %(due_at)s::timestamptz[], %(reasons)s::jsonb[],
    %(evidence)s::jsonb[]) as given
on conflict (machine_id) do update
set due_at = excluded.due_at, reason = excluded.reason, evidence = excluded.evidence,
    as_of = excluded.as_of;

-- name: of_machine
select due_at, reason, evidence, as_of from inspection_due where machine_id = %(machine_id)s;
