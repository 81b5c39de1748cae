-- name: next_id
select nextval('ingest_batch_id') as id;

-- name: lock
select pg_advisory_xact_lock(%(key)s::bigint);

-- name: append
insert into ingest_batch
    (position, id, kind, product, samples, oldest, newest, received_at)
select nextval('ingest_batch_position'), given.*
from unnest(%(ids)s::bigint[], %(kinds)s::text[], %(products)s::text[], %(samples)s::integer[],
    %(oldest)s::timestamptz[], %(newest)s::timestamptz[], %(received_at)s::timestamptz[]) given;

-- name: announce
select pg_notify('ingest_batch', '');

-- name: follow
select position, id, kind, product, samples, oldest, newest, received_at, committed_at
from ingest_batch
where position > coalesce(
    (select position from consumer_cursor where consumer = %(consumer)s::text), 0)
order by position
limit %(most)s::integer;

-- name: advance
insert into consumer_cursor (consumer, position, updated_at)
values (%(consumer)s::text, %(position)s::bigint, %(at)s::timestamptz)
on conflict (consumer) do update
set position = excluded.position, updated_at = excluded.updated_at;

-- name: between
select position, id, kind, product, samples, oldest, newest, received_at, committed_at
from ingest_batch
where position > %(position)s::bigint
    and (%(last)s::bigint is null or position <= %(last)s::bigint)
order by position
limit %(most)s::integer;

-- name: lags
with cursors as (
    select consumer, position, updated_at from consumer_cursor
    union all
    select 'rules', min(position), max(updated_at) from rule_partition
)
select cursors.consumer, cursors.position, cursors.updated_at,
    count(ingest_batch.position) as batches,
    coalesce(sum(ingest_batch.samples), 0)::bigint as samples,
    coalesce(extract(epoch from clock_timestamp() - min(ingest_batch.committed_at)), 0)
        ::double precision as seconds
from cursors
left join ingest_batch on ingest_batch.position > cursors.position
group by cursors.consumer, cursors.position, cursors.updated_at
order by cursors.consumer;
