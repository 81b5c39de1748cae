-- How far machines' clocks are from the time of receipt: when a sample came last that was current, and
-- since when none did. The lag is receipt less measurement, the one nearest to zero since then.
create table machine_clock (
    machine_id integer primary key references machine,
    current_at timestamptz,
    off_since timestamptz,
    off_at timestamptz,                 -- newest receipt of what was not current
    reports bigint not null default 0,  -- counted since off_since, at most one a minute
    lag_ms bigint,
    lag_at timestamptz                  -- when it came nearer to zero last
);

-- A wrong clock makes no machine ill, like silence; see 0012 for the rest.
create or replace view machine_health as
with of_connection as materialized (
    select product.id as product, rule.value ->> 'id' as rule
    from product, jsonb_array_elements(product.plan -> 'rules') as rule
    where jsonb_typeof(rule.value -> 'silence') = 'string'
        or jsonb_typeof(rule.value -> 'clock') = 'boolean'
), standing as (
    select alarm.machine_id,
        max(alarm.severity) as worst,
        sum(case alarm.severity when 2 then 10 when 3 then 30 when 4 then 60 else 0 end) as burden
    from alarm
    join machine on machine.id = alarm.machine_id
    where alarm.state in ('active', 'acknowledged')
        and (alarm.suppression is null or alarm.suppression in ('ticket', 'recurrence'))
        and not exists (
            select from of_connection
            where of_connection.product = machine.product and of_connection.rule = alarm.rule
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
