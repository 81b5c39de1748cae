-- name: last
select counter from broker_loss order by id desc limit 1

-- name: lock
select pg_advisory_xact_lock(%(key)s::bigint)

-- name: note
-- A counter that is smaller than the last one began anew with the broker.
insert into broker_loss (seen_at, counter, dropped)
select %(at)s::timestamptz, %(counter)s::bigint,
    case when %(counter)s::bigint >= last.counter
        then %(counter)s::bigint - last.counter else %(counter)s::bigint end
from (select coalesce((select counter from broker_loss order by id desc limit 1), 0) as counter)
    as last
where last.counter <> %(counter)s::bigint
returning dropped

-- name: total
select coalesce(sum(dropped), 0)::bigint as dropped,
    max(seen_at) filter (where dropped > 0) as last_at
from broker_loss
where %(since)s::timestamptz is null or seen_at >= %(since)s::timestamptz
