-- Several workers share the machines: each of 16 partitions (machine id modulo 16) is at one of
-- them at a time and has a cursor of its own in the ingest log.
create table rule_partition (
    partition smallint primary key check (partition between 0 and 15),
    position bigint not null,           -- last position of the log that was judged
    worker text,                        -- who has it; null: nobody
    until timestamptz not null default '-infinity', -- and for how long, unless said again
    updated_at timestamptz not null default clock_timestamp()
);
insert into rule_partition (partition, position)
select number, coalesce((select position from consumer_cursor where consumer = 'rules'), 0)
from generate_series(0, 15) as number;
delete from consumer_cursor where consumer = 'rules';

create table rule_worker (
    worker text primary key,
    seen_at timestamptz not null
);
