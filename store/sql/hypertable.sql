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
