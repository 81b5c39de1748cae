-- name: current
insert into machine_clock as old (machine_id, current_at)
select * from unnest(%(machines)s::integer[], %(at)s::timestamptz[]) given (machine_id, at)
order by machine_id
on conflict (machine_id) do update
set current_at = greatest(old.current_at, excluded.current_at)

-- name: off
-- What began before something current came is over. The lag counts as nearer to zero by a minute and
-- more only: else it has stayed as it was, but for the way.
insert into machine_clock as old (machine_id, off_since, off_at, reports, lag_ms, lag_at)
select machine_id, at, at, 1, lag, at
from unnest(%(machines)s::integer[], %(at)s::timestamptz[], %(lags)s::bigint[])
    given (machine_id, at, lag)
order by machine_id
on conflict (machine_id) do update set (off_since, off_at, reports, lag_ms, lag_at) = (
    select case when anew then excluded.off_at else old.off_since end,
        greatest(old.off_at, excluded.off_at),
        case when anew then 1 else old.reports + 1 end,
        case when anew or nearer then excluded.lag_ms else old.lag_ms end,
        case when anew or nearer then excluded.off_at else old.lag_at end
    from (select old.off_since is null or old.off_since <= old.current_at as anew,
        abs(excluded.lag_ms) < abs(old.lag_ms) - 60000 as nearer) as told)
where old.current_at is null or excluded.off_at > old.current_at

-- name: doubtful
select machine_clock.*, machine.product
from machine_clock
join machine on machine.id = machine_clock.machine_id
where machine.retired_at is null
    and mod(machine.id, 16) = any(%(partitions)s::integer[])
    and (off_since > coalesce(current_at, '-infinity')
        or machine.id = any(%(standing)s::integer[]))
order by machine.id

-- name: fleet
select count(*) filter (where off_since > coalesce(current_at, '-infinity')) as off,
    count(*) as heard
from machine_clock where greatest(current_at, off_at) > %(since)s::timestamptz
