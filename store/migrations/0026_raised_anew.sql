-- An alarm that outlives the visit that dealt with it is raised anew: it was acknowledged, and is not
-- any more. The history said nothing of that.
alter table alarm_event drop constraint alarm_event_kind_check;
alter table alarm_event add constraint alarm_event_kind_check check (kind in ('raised', 'came_again',
    'raised_anew', 'returned', 'acknowledged', 'cleared', 'withdrawn', 'suppressed', 'released',
    'flapping', 'steady'));

create or replace function note_alarm_change() returns trigger language plpgsql as $$
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
    if old.acknowledged_at is not null and new.acknowledged_at is null
            and new.state = 'active' and new.occurrences = old.occurrences then
        insert into alarm_event (alarm_id, at, kind, actor)
        values (new.id, moment, 'raised_anew', 'ironpulse');
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
