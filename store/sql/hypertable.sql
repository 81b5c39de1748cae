-- name: edition
select current_setting('timescaledb.license') as license;

-- name: columns
select attribute.attname as name, format_type(attribute.atttypid, attribute.atttypmod) as type
from pg_attribute attribute
where attribute.attrelid = to_regclass(%(table)s::text)
    and attribute.attnum > 0 and not attribute.attisdropped
order by attribute.attnum;

-- name: make_table
create table {table} (
    measured_at timestamptz not null,
    batch_id bigint not null,
    {wide}
    -- No reference to machine: a trigger for each row costs as much as the row, and whoever writes
    -- has the id from there. The ledger, written in the same transaction, refers to it.
    machine_id integer not null,
    {narrow}
    primary key (machine_id, measured_at)
);

-- name: drop_reference
alter table {table} drop constraint {constraint};

-- name: reference
select conname as name from pg_constraint
where conrelid = to_regclass(%(table)s::text) and contype = 'f';

-- name: make_hypertable
select create_hypertable(%(table)s::regclass,
    by_range('measured_at', %(chunk)s::interval), create_default_indexes => false);

-- name: make_batch_index
create index {index} on {table} (batch_id);

-- name: add_signals
alter table {table} {additions};

-- name: make_hourly_view
create or replace view {view} as
select time_bucket(interval '1 hour', measured_at) as hour, machine_id, {aggregates}
from {table}
group by 1, 2;

-- name: hourly_parts
select view_name as name
from timescaledb_information.continuous_aggregates
where view_schema = current_schema() and view_name ~ %(pattern)s::text
order by length(view_name), view_name;

-- name: make_hourly_part
create materialized view {part}
with (timescaledb.continuous, timescaledb.materialized_only = false) as
select time_bucket(interval '1 hour', measured_at) as hour, machine_id, {aggregates}
from {table}
group by 1, 2
with no data;

-- name: refresh_hourly_part
select add_continuous_aggregate_policy(%(part)s::regclass, start_offset => null,
    end_offset => interval '1 hour', schedule_interval => interval '30 minutes',
    if_not_exists => true);

-- name: join_hourly_parts
create or replace view {view} as
select {columns} from {parts};

-- name: enable_columnstore
alter table {table} set (
    timescaledb.enable_columnstore = true,
    timescaledb.segmentby = 'machine_id',
    timescaledb.orderby = 'measured_at'
);

-- name: columnstore_policy
call add_columnstore_policy(%(table)s::regclass, after => %(after)s::interval,
    if_not_exists => true);

-- name: retention_policy
select add_retention_policy(%(table)s::regclass, drop_after => %(after)s::interval,
    if_not_exists => true);

-- name: drop_expired
select drop_chunks(%(table)s::regclass, older_than => %(before)s::timestamptz) as chunk;

-- name: loose_key
-- Rows of a machine come at the end of its part of the key, and pages that grow there are split in
-- halves: an entry then takes up to twice its 28 bytes. Built anew, pages are filled to nine tenths.
select chunk.oid::regclass::text as chunk, key.indexrelid::regclass::text as key
from timescaledb_information.chunks listed
join pg_class chunk
    on chunk.oid = format('%%I.%%I', listed.chunk_schema, listed.chunk_name)::regclass
join pg_index key on key.indrelid = chunk.oid and key.indisprimary
where listed.hypertable_name = %(table)s::text
    and listed.range_end < %(before)s::timestamptz
    and pg_relation_size(key.indexrelid) > %(least)s::bigint
    and chunk.reltuples > 0
    and pg_relation_size(key.indexrelid) > chunk.reltuples * %(entry)s::double precision
order by listed.range_end
limit 1;

-- name: unfinished_keys
select index.oid::regclass::text as name
from pg_index key
join pg_class index on index.oid = key.indexrelid
where key.indrelid = %(chunk)s::regclass and not key.indisvalid;

-- name: drop_key
drop index {key};

-- name: tighten_key
reindex index concurrently {key};
