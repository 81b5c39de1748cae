-- name: patience
select set_config('idle_in_transaction_session_timeout', %(patience_ms)s::text, true)

-- name: take
select partition, position from rule_partition
where %(worker)s::text is null or worker = %(worker)s::text
order by partition
for update

-- name: advance
update rule_partition
set position = %(position)s::bigint, updated_at = clock_timestamp(),
    until = case when worker is null then until
        else clock_timestamp() + %(lease_s)s::double precision * interval '1 second' end
where partition = any(%(partitions)s::integer[])

-- name: attend
insert into rule_worker (worker, seen_at) values (%(worker)s::text, clock_timestamp())
on conflict (worker) do update set seen_at = excluded.seen_at

-- name: bury
with dead as (
    delete from rule_worker
    where seen_at < clock_timestamp() - %(lease_s)s::double precision * interval '1 second'
    returning worker
)
delete from process_beat using dead
where process_beat.process = 'rules' and process_beat.instance = dead.worker

-- name: release_surplus
with share as (
    select ceil(16.0 / greatest(count(*), 1))::integer as most from rule_worker
), surplus as (
    select partition from rule_partition where worker = %(worker)s::text
    order by partition
    offset (select most from share)
)
update rule_partition set worker = null, until = '-infinity'
from surplus
where rule_partition.partition = surplus.partition

-- name: renew
update rule_partition
set until = clock_timestamp() + %(lease_s)s::double precision * interval '1 second'
where worker = %(worker)s::text

-- name: claim
-- A partition whose row is locked is being judged right now, whatever its lease says.
with share as (
    select ceil(16.0 / greatest(count(*), 1))::integer as most from rule_worker
), free as (
    select partition from rule_partition
    where worker is distinct from %(worker)s::text
        and (worker is null or until < clock_timestamp())
    order by partition
    limit greatest((select most from share)
        - (select count(*) from rule_partition where worker = %(worker)s::text), 0)
    for update skip locked
)
update rule_partition
set worker = %(worker)s::text,
    until = clock_timestamp() + %(lease_s)s::double precision * interval '1 second'
from free
where rule_partition.partition = free.partition

-- name: give_back
update rule_partition set worker = null, until = '-infinity' where worker = %(worker)s::text

-- name: leave
delete from rule_worker where worker = %(worker)s::text

-- name: holders
select rule_partition.worker, array_agg(partition order by partition) as partitions,
    min(position) as position,
    (
        select count(*) from machine where machine.retired_at is null
            and mod(machine.id, 16) = any(array_agg(partition::integer))
    ) as machines,
    extract(epoch from min(until) - clock_timestamp())::double precision as lease_s
from rule_partition
group by rule_partition.worker
order by min(partition)
