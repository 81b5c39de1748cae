-- name: lock
select pg_advisory_xact_lock(%(key)s::bigint);

-- name: states
select machine_id, state
from usage_state
where machine_id = any(%(machine_ids)s);

-- name: checkpoints_ahead
select distinct on (usage_checkpoint.machine_id) usage_checkpoint.machine_id,
    usage_checkpoint.state
from usage_checkpoint
join unnest(%(machine_ids)s::integer[], %(moments)s::timestamptz[]) as late (machine_id, moment)
    on late.machine_id = usage_checkpoint.machine_id and usage_checkpoint.as_of < late.moment
order by usage_checkpoint.machine_id, usage_checkpoint.as_of desc;

-- name: days_ago
select distinct on (machine_id) machine_id, as_of, day, state -> 'totals' as totals,
    state -> 'hours' as hours
from usage_checkpoint
where machine_id = any(%(machine_ids)s) and day >= %(since)s::date
order by machine_id, day;

-- name: put_states
insert into usage_state (machine_id, as_of, state)
select * from unnest(%(machine_ids)s::integer[], %(as_of)s::timestamptz[], %(states)s::jsonb[])
on conflict (machine_id) do update set as_of = excluded.as_of, state = excluded.state;

-- name: put_checkpoints
insert into usage_checkpoint (machine_id, day, as_of, state)
select * from unnest(%(machine_ids)s::integer[], %(days)s::date[], %(as_of)s::timestamptz[],
    %(states)s::jsonb[])
on conflict (machine_id, day) do update set as_of = excluded.as_of, state = excluded.state;

-- name: forget_checkpoints
delete from usage_checkpoint
using usage_state
where usage_state.machine_id = usage_checkpoint.machine_id
    and usage_state.machine_id = any(%(machine_ids)s)
    and usage_checkpoint.day < usage_state.as_of::date - %(keep_days)s::integer;

-- name: fitted_since
select fitted_part.id, fitted_part.machine_id, fitted_part.part, fitted_part.fitted_at,
    fitted_part.removed_at, fitted_part.used_before, part_usage.at_fitting
from fitted_part
left join part_usage on part_usage.fitted_part_id = fitted_part.id
join unnest(%(machine_ids)s::integer[], %(since)s::timestamptz[]) as folded (machine_id, since)
    on folded.machine_id = fitted_part.machine_id
where fitted_part.removed_at is null or fitted_part.removed_at >= folded.since;

-- name: unmeasured
select fitted_part.machine_id, machine.product, min(fitted_part.fitted_at) as fitted_at
from fitted_part
join machine on machine.id = fitted_part.machine_id
join usage_state on usage_state.machine_id = fitted_part.machine_id
left join part_usage on part_usage.fitted_part_id = fitted_part.id
where part_usage.fitted_part_id is null and fitted_part.removed_at is null
    and fitted_part.fitted_at <= usage_state.as_of
group by fitted_part.machine_id, machine.product
order by fitted_part.machine_id
limit %(most)s;

-- name: put_part_usage
insert into part_usage (fitted_part_id, at_fitting, used, as_of)
select * from unnest(%(ids)s::bigint[], %(at_fitting)s::double precision[],
    %(used)s::double precision[], %(as_of)s::timestamptz[])
on conflict (fitted_part_id) do update
set at_fitting = excluded.at_fitting, used = excluded.used, as_of = excluded.as_of;

-- name: put_months
insert into usage_month (machine_id, month, day, hours, totals)
select given.machine_id, date_trunc('month', given.day), given.day, given.hours, given.totals
from unnest(%(machine_ids)s::integer[], %(days)s::date[], %(hours)s::double precision[],
    %(totals)s::jsonb[]) as given (machine_id, day, hours, totals)
on conflict (machine_id, month) do update
set day = excluded.day, hours = excluded.hours, totals = excluded.totals
where excluded.day <= usage_month.day;

-- name: months
select machine_id, day, hours, totals
from usage_month
where machine_id = any(%(machine_ids)s) and day >= %(since)s
order by machine_id, month;

-- name: month_hours
select machine.product, machine.lat, usage_month.machine_id, usage_month.month, usage_month.hours
from usage_month
join machine on machine.id = usage_month.machine_id
where usage_month.month >= %(since)s and usage_month.hours is not null
    and machine.retired_at is null
order by usage_month.machine_id, usage_month.month;

-- name: put_shown
insert into condition_day (machine_id, part, day, samples, mean, use)
select * from unnest(%(machine_ids)s::integer[], %(parts)s::text[], %(days)s::date[],
    %(samples)s::integer[], %(means)s::double precision[], %(uses)s::double precision[])
on conflict (machine_id, part, day) do update
set samples = excluded.samples, mean = excluded.mean, use = excluded.use;

-- name: shown
select machine_id, part, day, mean, use
from condition_day
where machine_id = any(%(machine_ids)s) and day >= %(since)s
order by machine_id, part, day;
