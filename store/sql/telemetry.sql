-- name: copy_in
copy {table} ({columns}) from stdin (format binary)

-- name: drop_staging
drop table if exists pg_temp.staging

-- name: make_staging
create temporary table staging on commit drop as select {columns} from {table} with no data

-- name: claim
insert into {table} (machine_id, measured_at, batch_id)
select given.machine_id, given.measured_at, %(batch)s::bigint
from unnest(%(machines)s::integer[], %(times)s::timestamptz[]) given (machine_id, measured_at)
order by given.machine_id, given.measured_at
on conflict (machine_id, measured_at) do nothing
returning machine_id, measured_at

-- name: before
select {columns} from {table}
where (machine_id, measured_at) in (
    select * from unnest(%(machines)s::integer[], %(times)s::timestamptz[]))
for update

-- name: merge_staging
insert into {table} as old ({columns})
select {columns} from pg_temp.staging order by machine_id, measured_at
on conflict (machine_id, measured_at) do update set batch_id = excluded.batch_id, {merged}
where {differs}
returning machine_id, measured_at, xmax = 0 as stored

-- name: add_staging
insert into {table} as old ({columns})
select {columns} from pg_temp.staging order by machine_id, measured_at
on conflict (machine_id, measured_at) do nothing
returning machine_id, measured_at, true as stored

-- name: touch
update {table} set batch_id = %(batch)s::bigint where (machine_id, measured_at) in (
    select * from unnest(%(machines)s::integer[], %(times)s::timestamptz[]))

-- name: read_batches
select array_agg(machine_id), array_agg(measured_at), array_agg(batch_id), {signals}
from {table}
where batch_id = any(%(batches)s::bigint[])
    and measured_at between %(oldest)s::timestamptz and %(newest)s::timestamptz
    and (%(partitions)s::integer[] is null
        or mod(machine_id, 16) = any(%(partitions)s::integer[]))

-- name: read_range
select array_agg(machine_id), array_agg(measured_at), array_agg(batch_id), {signals}
from {table}
where machine_id = any(%(machines)s::integer[])
    and measured_at >= %(since)s::timestamptz and measured_at < %(until)s::timestamptz
group by machine_id

-- name: received
select id, received_at from ingest_batch where id = any(%(ids)s::bigint[])

-- name: raw_series
select measured_at as at, {columns}
from {table}
where machine_id = %(machine)s::integer
    and measured_at >= %(since)s::timestamptz and measured_at < %(until)s::timestamptz
    and num_nonnulls({columns}) > 0
order by measured_at
limit %(most)s::integer

-- name: bucketed_series
select time_bucket(%(step)s::interval, measured_at, %(since)s::timestamptz) as at, {aggregates}
from {table}
where machine_id = %(machine)s::integer
    and measured_at >= %(since)s::timestamptz and measured_at < %(until)s::timestamptz
group by 1
order by 1
