-- name: lock
select pg_advisory_xact_lock(%(key)s::bigint);

-- name: make_log
create table if not exists schema_migration (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp()
);

-- name: applied
select number, name, checksum from schema_migration order by number;

-- name: remember
insert into schema_migration (number, name, checksum)
values (%(number)s::integer, %(name)s::text, %(checksum)s::text);

-- name: make_extension
create extension if not exists timescaledb;
