-- name: normals
select rule, model, since, body
from detector_normal
where product = %(product)s
    and (%(after)s::timestamptz is null or since > %(after)s::timestamptz)
order by rule, model, since

-- name: take_turn
select pg_advisory_xact_lock(hashtext('detector_normal'), hashtext(%(product)s::text))

-- name: put_normal
insert into detector_normal (product, rule, model, since, body)
values (%(product)s, %(rule)s, %(model)s, %(since)s, %(body)s)
on conflict do nothing

-- name: learned_until
select max(since) as since from detector_normal where product = %(product)s

-- name: heard_since
select min(ledger.first_measured_at) as first_measured_at
from machine_ledger ledger
join machine on machine.id = ledger.machine_id
where machine.product = %(product)s

-- name: teachers
with ranked as (
    select machine.id, machine.model,
        row_number() over (partition by machine.model order by md5(machine.serial)) as place
    from machine
    join machine_ledger ledger on ledger.machine_id = machine.id
    where machine.product = %(product)s and ledger.first_measured_at < %(before)s
)
select id, model from ranked order by place, model limit %(most)s

-- name: repairs
-- A visit with many items about a component mends it once.
select distinct ticket.machine_id, item.component, null as part, ticket.done_at as repaired_at
from ticket
join ticket_item item on item.ticket_id = ticket.id
where ticket.machine_id = any(%(machines)s::integer[])
    and coalesce(item.finding_code, ticket.finding_code) = any(%(codes)s::text[])
union all
select machine_id, null, part, removed_at
from fitted_part
where machine_id = any(%(machines)s::integer[]) and removed_at is not null
order by repaired_at

-- name: services
select machine_id, service, done_at
from service_done
where machine_id = any(%(machines)s::integer[])
order by done_at, service

-- name: peer_days
select key, region, day, level, spread, machines
from peer_day
where product = %(product)s and day >= %(first)s::integer and day < %(end)s::integer
order by key, region, day

-- name: put_peer_days
insert into peer_day (product, key, region, day, level, spread, machines)
select %(product)s::text, * from unnest(%(keys)s::text[], %(regions)s::text[],
    %(days)s::integer[], %(levels)s::double precision[], %(spreads)s::double precision[],
    %(machines)s::integer[])
on conflict do nothing

-- name: peer_days_counted
select key, region, max(day) as day
from peer_day
where product = %(product)s
group by key, region

-- name: peers
with ranked as (
    select machine.id, station.region,
        row_number() over (partition by station.region order by md5(machine.serial)) as place
    from machine
    join station on station.id = machine.station
    where machine.product = %(product)s and machine.retired_at is null
)
select id, region from ranked where place <= %(most)s order by region, id
