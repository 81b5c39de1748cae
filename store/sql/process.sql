-- name: beat
insert into process_beat (process, instance, pid, address, started_at, beat_at, detail)
values (%(process)s::text, %(instance)s::text, %(pid)s::integer, %(address)s::text,
    %(started_at)s::timestamptz, %(at)s::timestamptz, %(detail)s::jsonb)
on conflict (process, instance) do update
set pid = excluded.pid, address = excluded.address, started_at = excluded.started_at,
    beat_at = excluded.beat_at, detail = excluded.detail

-- name: forget
delete from process_beat where process = %(process)s::text and instance = %(instance)s::text

-- name: hears
select exists (
    select from process_beat
    where process = 'ingest' and beat_at > %(since)s::timestamptz
        and coalesce((detail ->> 'subscribed')::boolean, true)
) as hears
