-- name: ask
insert into trial (product, rule, change, since, until, asked_by, asked_at)
values (%(product)s::text, %(rule)s::text, %(change)s::jsonb, %(since)s::timestamptz,
    %(until)s::timestamptz, %(who)s::text, %(now)s::timestamptz)
returning id

-- name: waiting
select count(*) as trials from trial where state in ('queued', 'running')

-- name: forget
delete from trial where asked_at < %(before)s::timestamptz and state not in ('queued', 'running')

-- name: turn
select pg_advisory_lock(%(key)s::bigint)

-- name: next
-- One whose process died is begun anew: only who holds the turn looks here.
update trial
set state = 'running', progress = 0, seen_at = clock_timestamp()
where id = (select min(id) from trial where state in ('queued', 'running'))
returning id, product, rule, change, since, until

-- name: at_work
update trial set progress = %(progress)s::double precision, seen_at = clock_timestamp()
where id = %(id)s::bigint and state = 'running'
returning id

-- name: finish
update trial
set state = %(state)s::text, result = %(result)s::jsonb, error = %(error)s::jsonb,
    ended_at = clock_timestamp()
where id = %(id)s::bigint and state = 'running'

-- name: cancel
update trial set state = 'cancelled', ended_at = clock_timestamp()
where id = %(id)s::bigint and state in ('queued', 'running')
returning id

-- name: list
select id, product, rule, change, since, until, asked_by, asked_at, state, progress, ended_at,
    error, case when %(id)s::bigint is not null then result end as result
from trial
where (%(id)s::bigint is null or id = %(id)s::bigint)
    and (%(after)s::bigint is null or id < %(after)s::bigint)
order by id desc
limit %(limit)s::integer
