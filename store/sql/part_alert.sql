-- name: newest
select distinct on (part_alert.fitted_part_id) part_alert.id, part_alert.fitted_part_id,
    part_alert.status, part_alert.changed_at, part_alert.probability
from part_alert
join fitted_part on fitted_part.id = part_alert.fitted_part_id
where fitted_part.machine_id = any(%(machine_ids)s) and fitted_part.removed_at is null
order by part_alert.fitted_part_id, part_alert.id desc;

-- name: raise
insert into part_alert (machine_id, fitted_part_id, part, quantity, status, raised_at, order_by,
    needed_by, probability, evidence, changed_at)
select fitted_part.machine_id, fitted_part.id, fitted_part.part, given.quantity, 'open', %(now)s,
    greatest(given.order_by, %(now)s), given.needed_by, given.probability, given.evidence, %(now)s
from unnest(%(ids)s::bigint[], %(quantities)s::integer[], %(order_by)s::timestamptz[],
    %(needed_by)s::timestamptz[], %(probabilities)s::double precision[], %(evidence)s::jsonb[])
    as given (id, quantity, order_by, needed_by, probability, evidence)
join fitted_part on fitted_part.id = given.id
on conflict (fitted_part_id) where status in ('open', 'ordered') do update
set order_by = greatest(part_alert.raised_at, excluded.order_by), needed_by = excluded.needed_by,
    probability = excluded.probability, evidence = excluded.evidence,
    changed_at = excluded.changed_at
where part_alert.status = 'open';

-- name: withdraw
update part_alert
set status = 'withdrawn', changed_at = %(now)s
where fitted_part_id = any(%(ids)s) and status = 'open';

-- name: withdraw_of_machines
update part_alert
set status = 'withdrawn', changed_at = %(now)s
where machine_id = any(%(machine_ids)s) and status in ('open', 'ordered');

-- name: alerts
select part_alert.id, machine.serial, machine.product, station.region, machine.station,
    part_alert.fitted_part_id, part_alert.part, fitted_part.position, part_alert.quantity,
    part_alert.status, part_alert.raised_at, part_alert.order_by, part_alert.needed_by,
    part_alert.probability, part_alert.evidence, part_alert.changed_at, part_alert.changed_by,
    ticket.number as ticket, remaining_life.as_of, remaining_life.unit, remaining_life.p10,
    remaining_life.p50, remaining_life.p90, remaining_life.due_p10, remaining_life.due_p50,
    remaining_life.due_p90, remaining_life.worn_share, remaining_life.method,
    remaining_life.sample_size, remaining_life.condition
from part_alert
join machine on machine.id = part_alert.machine_id
join station on station.id = machine.station
join fitted_part on fitted_part.id = part_alert.fitted_part_id
left join remaining_life on remaining_life.fitted_part_id = part_alert.fitted_part_id
left join ticket on ticket.id = part_alert.ticket_id
where (%(id)s::bigint is null or part_alert.id = %(id)s)
    and (%(region)s::text is null or station.region = %(region)s)
    and (%(product)s::text is null or machine.product = %(product)s)
    and (%(serial)s::text is null or machine.serial = %(serial)s)
    and (%(status)s::text is null or part_alert.status = %(status)s)
    and (%(after_order_by)s::timestamptz is null
        or (part_alert.order_by, part_alert.id) > (%(after_order_by)s, %(after_id)s::bigint))
order by part_alert.order_by, part_alert.id
limit %(limit)s;

-- name: change
update part_alert
set status = %(status)s, changed_at = %(now)s, changed_by = %(actor)s,
    evidence = case when %(note)s::text is null then evidence
        else evidence || jsonb_build_object('note', %(note)s::text) end
where id = %(id)s and status in ('open', 'ordered') and status <> %(status)s
returning id;
