-- The life of an alarm after ISA-18.2: who shelved or suppressed it, flapping, and its history.

-- What people silence: one rule on one component of a machine for a while (shelved), one rule
-- until somebody returns it (out of service), or all alarms of a machine or component during
-- maintenance. Kept as events, so that alarms which come to light later are judged by them too.
create table suppression (
    id bigint primary key generated always as identity,
    kind text not null check (kind in ('shelved', 'maintenance', 'out_of_service')),
    machine_id integer not null references machine,
    component text,                     -- null: the whole machine
    rule text,                          -- null: every rule
    since timestamptz not null,
    until timestamptz,                  -- null: until somebody ends it
    reason text not null check (reason <> ''),
    set_by text not null,
    ended_at timestamptz,               -- ended by hand, earlier than `until`
    ended_by text,
    check ((kind = 'maintenance') = (rule is null)),
    check (kind = 'out_of_service' or until is not null),
    check (until > since),
    check ((ended_at is null) = (ended_by is null))
);
create index suppression_machine on suppression (machine_id, since);

alter table alarm
    -- Why it pages nobody; what it became of its ticket or its lock is kept once it is over.
    add suppression text check (suppression in
        ('shelved', 'maintenance', 'out_of_service', 'ticket', 'recurrence')),
    add flapping boolean not null default false;
create index alarm_cleared on alarm (machine_id, returned_at) where state = 'cleared';
create index alarm_flapping on alarm (machine_id) where flapping
    and state in ('active', 'acknowledged', 'returned');

alter table finding drop constraint finding_outcome_check;
alter table finding add check (outcome in
    ('opened', 'merged', 'raised', 'attached', 'recorded'));
create index finding_alarm on finding (alarm_id);

-- Every transition with who and when, written by the database so that no writer can forget it.
create table alarm_event (
    id bigint primary key generated always as identity,
    alarm_id bigint not null references alarm on delete cascade,
    at timestamptz not null,            -- event time where the machine's data decided
    noted_at timestamptz not null default clock_timestamp(),
    kind text not null check (kind in ('raised', 'came_again', 'returned', 'acknowledged',
        'cleared', 'withdrawn', 'suppressed', 'released', 'flapping', 'steady')),
    actor text not null,
    detail text                         -- the kind of suppression
);
create index alarm_event_alarm on alarm_event (alarm_id, id);

create function note_alarm_change() returns trigger language plpgsql as $$
declare
    actor text := coalesce(nullif(current_setting('ironpulse.actor', true), ''), 'ironpulse');
    begun timestamptz := to_timestamp((new.spans -> -1 ->> 0)::bigint / 1000.0);
    moment timestamptz := clock_timestamp();
begin
    if tg_op = 'INSERT' then
        insert into alarm_event (alarm_id, at, kind, actor)
        values (new.id, new.raised_at, 'raised', 'ironpulse');
    elsif new.occurrences > old.occurrences then
        insert into alarm_event (alarm_id, at, kind, actor)
        values (new.id, begun, 'came_again', 'ironpulse');
    end if;
    if new.flapping and (tg_op = 'INSERT' or not old.flapping) then
        insert into alarm_event (alarm_id, at, kind, actor)
        values (new.id, coalesce(new.returned_at, begun), 'flapping', 'ironpulse');
    end if;
    if new.returned_at is not null
            and (tg_op = 'INSERT' or new.returned_at is distinct from old.returned_at) then
        insert into alarm_event (alarm_id, at, kind, actor)
        values (new.id, new.returned_at, 'returned', 'ironpulse');
    end if;
    if new.suppression is distinct from (case when tg_op = 'UPDATE' then old.suppression end) then
        insert into alarm_event (alarm_id, at, kind, actor, detail)
        values (new.id, moment, case when new.suppression is null then 'released'
            else 'suppressed' end, actor, coalesce(new.suppression, old.suppression));
    end if;
    if tg_op = 'INSERT' then
        if new.state = 'cleared' then
            insert into alarm_event (alarm_id, at, kind, actor)
            values (new.id, new.cleared_at, 'cleared', 'ironpulse');
        end if;
        return null;
    end if;
    if new.acknowledged_at is not null
            and new.acknowledged_at is distinct from old.acknowledged_at then
        insert into alarm_event (alarm_id, at, kind, actor)
        values (new.id, new.acknowledged_at, 'acknowledged', new.acknowledged_by);
    end if;
    if new.state in ('cleared', 'withdrawn') and new.state <> old.state then
        insert into alarm_event (alarm_id, at, kind, actor)
        values (new.id, coalesce(new.cleared_at, moment), new.state, actor);
    end if;
    if old.flapping and not new.flapping then
        insert into alarm_event (alarm_id, at, kind, actor)
        values (new.id, moment, 'steady', 'ironpulse');
    end if;
    return null;
end
$$;
create trigger alarm_history after insert or update on alarm
for each row execute function note_alarm_change();

-- Alarms that somebody took out of the list make no machine ill; see 0002 for the rest.
create or replace view machine_health as
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
        and (alarm.suppression is null or alarm.suppression in ('ticket', 'recurrence'))
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
