-- name: drop_log
-- Only what every consumer has read; a consumer that never ran has read nothing.
delete from ingest_batch where position in (
    select position from ingest_batch
    where committed_at < %(before)s::timestamptz
        and position <= least(
            (select min(position) from rule_partition),
            coalesce((select min(position) from consumer_cursor), 0))
    order by position limit %(most)s::integer)

-- name: drop_rejected
delete from rejected_message where id in (
    select id from rejected_message where received_at < %(before)s::timestamptz
    order by received_at limit %(most)s::integer)

-- name: drop_excess
-- The oldest of those that are too many in bytes; those that were put back go first.
delete from rejected_message where id in (
    select id from (
        select id, replayed_at is null as waits,
            sum(length(payload)) over (order by replayed_at is null desc, id desc) as kept
        from rejected_message
    ) as newest_first
    where kept > %(bytes)s::bigint
    order by waits, id limit %(most)s::integer)

-- name: drop_faults
delete from fault_report where ctid in (
    select ctid from fault_report where measured_at < %(before)s::timestamptz
    limit %(most)s::integer)

-- name: drop_statuses
delete from status_report where ctid in (
    select ctid from status_report where measured_at < %(before)s::timestamptz
    limit %(most)s::integer)

-- name: drop_bad_values
delete from bad_value where ctid in (
    select ctid from bad_value where day < (%(before)s::timestamptz at time zone 'utc')::date
    limit %(most)s::integer)

-- name: drop_implausible
delete from implausible_value where ctid in (
    select ctid from implausible_value where measured_at < %(before)s::timestamptz
    limit %(most)s::integer)

-- name: drop_conditions
delete from condition_day where ctid in (
    select ctid from condition_day where day < (%(before)s::timestamptz at time zone 'utc')::date
    limit %(most)s::integer)

-- name: count
insert into forgotten as old (day, what, count)
values (%(day)s::date, %(what)s::text, %(count)s::bigint)
on conflict (day, what) do update set count = old.count + excluded.count

-- name: forgotten
select what, sum(count)::bigint as count from forgotten group by what order by what

-- name: claim
select pg_try_advisory_lock(%(key)s::bigint) as is_ours
