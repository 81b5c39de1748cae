-- name: basis
select plan_run.id as run_id, plan_run.as_of as planned_at,
    (select max(counted_at) from part_stock) as counted_at,
    greatest(plan_run.as_of, (select max(as_of) from refill where as_of <= %(at)s)) as looked_at
from plan_run
where as_of <= %(at)s
order by as_of desc, id desc
limit 1;

-- name: put_refill
insert into refill (run_id, as_of, counted_at, made_by)
values (%(run_id)s, %(as_of)s, %(counted_at)s, %(made_by)s)
returning id;

-- name: put_moves
insert into refill_move (refill_id, number, source, target, quantity, kind, position, level,
    lasts_days)
select %(refill_id)s, given.*
from unnest(%(numbers)s::text[], %(sources)s::text[], %(targets)s::text[],
    %(quantities)s::integer[], %(kinds)s::text[], %(positions)s::integer[], %(levels)s::integer[],
    %(lasts)s::double precision[]) as given;

-- name: refills
select refill.id, refill.run_id, refill.as_of, refill.counted_at, refill.made_by,
    count(refill_move.id)::integer as moves
from refill
left join refill_move on refill_move.refill_id = refill.id
where (%(id)s::bigint is null or refill.id = %(id)s)
    and (
        %(before_id)s::bigint is null
        or (refill.as_of, refill.id) < (%(before_as_of)s::timestamptz, %(before_id)s::bigint)
    )
group by refill.id
order by refill.as_of desc, refill.id desc
limit %(limit)s;

-- name: moves
select refill_move.*, source.name as source_name, target.name as target_name,
    target.region as target_region
from refill_move
join warehouse as source on source.id = refill_move.source
join warehouse as target on target.id = refill_move.target
where refill_id = %(refill_id)s
order by kind = 'back', kind = 'arrival', lasts_days nulls last, refill_move.id;
