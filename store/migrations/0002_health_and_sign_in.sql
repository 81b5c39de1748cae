-- The health of a machine, said in this one place.
--
-- The worst standing alarm about the machine decides: 4 stop, 3 alarm, 2 warning. Alarms about
-- silence speak of the connection and never make a machine ill; but a machine that is silent and
-- has no other alarm is not healthy either, its health is unknown. An alarm whose condition is
-- over (returned) waits for a person and no longer counts.
create view machine_health as
with silence as materialized (
    select product.id as product, rule.value ->> 'id' as rule
    from product, jsonb_array_elements(product.plan -> 'rules') as rule
    where jsonb_typeof(rule.value -> 'silence') = 'string'
), standing as (
    select alarm.machine_id,
        max(alarm.severity) as worst,
        sum(case alarm.severity when 2 then 10 when 3 then 30 when 4 then 60 else 0 end) as burden
    from alarm
    join machine on machine.id = alarm.machine_id
    where alarm.state in ('active', 'acknowledged')
        and not exists (
            select from silence
            where silence.product = machine.product and silence.rule = alarm.rule
        )
    group by alarm.machine_id
), judged as (
    select machine.id as machine_id,
        case
            when standing.worst = 4 then 'stop'
            when standing.worst = 3 then 'alarm'
            when standing.worst = 2 then 'warning'
            when coalesce(machine_now.connection, 'never_seen') in ('never_seen', 'offline')
                then 'unknown'
            else 'ok'
        end as health,
        coalesce(standing.burden, 0) as burden
    from machine
    left join machine_now on machine_now.machine_id = machine.id
    left join standing on standing.machine_id = machine.id
    where machine.retired_at is null
)
select machine_id, health,
    case when health <> 'unknown' then greatest(0, 100 - burden)::integer end as health_index
from judged;

-- Attempts to sign in that failed, also for names that do not exist.
create table sign_in_failure (
    name text not null,
    at timestamptz not null
);
create index sign_in_failure_name on sign_in_failure (name, at);
create index sign_in_failure_at on sign_in_failure (at);
