-- name: records_live
-- What a changed rule closed is history: neither comes again nor is put right.
select id, machine_id, component, rule, plan_version, severity, state, raised_at, returned_at,
    detected_at, acknowledged_at, acknowledged_by, cleared_at, occurrences, spans, late, judged,
    evidence, suppression, flapping, let_go_at, visited_at,
    exists (select from finding where alarm_id = alarm.id and ticket_id is not null) as told
from alarm
where machine_id = any(%(machines)s::integer[])
    and (
        state in ('active', 'acknowledged', 'returned')
        or (state = 'cleared' and returned_at > %(since)s::timestamptz
            and not evidence ? 'ended_by')
    )
order by id
for update

-- name: records_after
select alarm.id, alarm.machine_id, component, rule, plan_version, severity, state, raised_at,
    returned_at, detected_at, acknowledged_at, acknowledged_by, cleared_at, occurrences, spans,
    late, judged, evidence, suppression, flapping, let_go_at, visited_at,
    exists (select from finding where alarm_id = alarm.id and ticket_id is not null) as told
from alarm
join unnest(%(machines)s::integer[], %(times)s::timestamptz[]) as asked (machine_id, since)
    on asked.machine_id = alarm.machine_id
where state in ('active', 'acknowledged', 'returned')
    or (state = 'cleared' and returned_at > asked.since and not evidence ? 'ended_by')
order by alarm.id
for update of alarm

-- name: insert_records
insert into alarm as old (machine_id, component, rule, plan_version, severity, state, raised_at,
    returned_at, detected_at, cleared_at, occurrences, spans, late, judged, evidence,
    acknowledged_at, acknowledged_by, suppression, flapping, let_go_at, visited_at)
select * from unnest(%(machine_id)s::integer[], %(component)s::text[], %(rule)s::text[],
    %(plan_version)s::text[], %(severity)s::smallint[], %(state)s::text[],
    %(raised_at)s::timestamptz[], %(returned_at)s::timestamptz[], %(detected_at)s::timestamptz[],
    %(cleared_at)s::timestamptz[], %(occurrences)s::integer[], %(spans)s::jsonb[],
    %(late)s::boolean[], %(judged)s::boolean[], %(evidence)s::jsonb[],
    %(acknowledged_at)s::timestamptz[], %(acknowledged_by)s::text[], %(suppression)s::text[],
    %(flapping)s::boolean[], %(let_go_at)s::timestamptz[], %(visited_at)s::timestamptz[])
on conflict (machine_id, component, rule) where state in ('active', 'acknowledged', 'returned')
do update set state = excluded.state, plan_version = excluded.plan_version,
    severity = excluded.severity, returned_at = excluded.returned_at,
    occurrences = old.occurrences + excluded.occurrences, spans = old.spans || excluded.spans,
    late = excluded.late, judged = excluded.judged, evidence = excluded.evidence,
    suppression = excluded.suppression, flapping = excluded.flapping,
    let_go_at = excluded.let_go_at, visited_at = excluded.visited_at
returning id

-- name: update_records
update alarm
set plan_version = new.plan_version, severity = new.severity, state = new.state,
    raised_at = new.raised_at, returned_at = new.returned_at, cleared_at = new.cleared_at,
    occurrences = new.occurrences, spans = new.spans, late = new.late, judged = new.judged,
    evidence = new.evidence, acknowledged_at = new.acknowledged_at,
    acknowledged_by = new.acknowledged_by, suppression = new.suppression,
    flapping = new.flapping, let_go_at = new.let_go_at, visited_at = new.visited_at
from unnest(%(id)s::bigint[], %(plan_version)s::text[], %(severity)s::smallint[],
    %(state)s::text[], %(raised_at)s::timestamptz[], %(returned_at)s::timestamptz[],
    %(cleared_at)s::timestamptz[], %(occurrences)s::integer[], %(spans)s::jsonb[],
    %(late)s::boolean[], %(judged)s::boolean[], %(evidence)s::jsonb[],
    %(acknowledged_at)s::timestamptz[], %(acknowledged_by)s::text[], %(suppression)s::text[],
    %(flapping)s::boolean[], %(let_go_at)s::timestamptz[], %(visited_at)s::timestamptz[])
    as new (id, plan_version, severity, state, raised_at, returned_at, cleared_at, occurrences,
        spans, late, judged, evidence, acknowledged_at, acknowledged_by, suppression, flapping,
        let_go_at, visited_at)
where alarm.id = new.id

-- name: flapping
select alarm.machine_id, max(machine_now.measured_at) as measured_at
from alarm
join machine on machine.id = alarm.machine_id
join machine_now on machine_now.machine_id = alarm.machine_id
where alarm.flapping and alarm.state in ('active', 'acknowledged', 'returned')
    and machine.product = %(product)s::text
    and mod(machine.id, 16) = any(%(partitions)s::integer[])
    and machine_now.measured_at is not null
group by alarm.machine_id

-- name: move_findings
update finding set alarm_id = %(alarm)s::bigint where alarm_id = any(%(absorbed)s::bigint[])

-- name: take_back_finding
delete from finding
where alarm_id = %(alarm)s::bigint and happened_at = %(happened_at)s::timestamptz
    and outcome = 'recorded'

-- name: history
select at, noted_at, kind, actor, detail from alarm_event
where alarm_id = %(id)s::bigint order by id

-- name: act_as
select set_config('ironpulse.actor', %(who)s::text, true)

-- name: remove
-- What somebody was told of stays, as it was written.
delete from alarm
where id = any(%(ids)s::bigint[])
    and not exists (select from finding where finding.alarm_id = alarm.id)

-- name: waiting
-- A silence grows by the clock on the wall; all else by the machine's own time.
select alarm.machine_id, max(machine_now.measured_at) as measured_at
from alarm
join machine on machine.id = alarm.machine_id
left join machine_now on machine_now.machine_id = alarm.machine_id
left join machine_ledger on machine_ledger.machine_id = alarm.machine_id
where not alarm.judged
    and mod(machine.id, 16) = any(%(partitions)s::integer[])
    and machine.product = %(product)s::text
    and alarm.state in ('active', 'acknowledged', 'returned')
    and (
        alarm.visited_at is null
        or (case when alarm.rule = any(%(silences)s::text[]) then %(now)s::timestamptz
            else machine_now.measured_at end) >= alarm.visited_at + %(after_visit)s::interval
    )
    and (
        greatest(machine_now.measured_at, alarm.raised_at) >= %(caught_up)s::timestamptz
        or coalesce(machine_ledger.last_received_at, alarm.detected_at)
            < %(silent_since)s::timestamptz
    )
group by alarm.machine_id

-- name: standing
select machine_id, rule from alarm
where state in ('active', 'acknowledged') and rule = any(%(rules)s::text[])

-- name: standing_keys
select machine_id, component, rule from alarm
where machine_id = any(%(machines)s::integer[]) and state in ('active', 'acknowledged')

-- name: standing_on
select id, machine_id, rule, raised_at, evidence -> 'failure_modes' as modes
from alarm
where machine_id = any(%(machine_ids)s::integer[]) and state in ('active', 'acknowledged')
order by machine_id, raised_at desc;

-- name: orphans
select alarm.id
from alarm
join machine on machine.id = alarm.machine_id
where machine.product = %(product)s::text
    and alarm.state in ('active', 'acknowledged', 'returned')
    and alarm.rule <> all(%(rules)s::text[])

-- name: judged_otherwise
select alarm.id
from alarm
join machine on machine.id = alarm.machine_id
join alarm_rule on alarm_rule.alarm_id = alarm.id
where machine.product = %(product)s::text
    and alarm_rule.judges_otherwise
    and alarm.state in ('active', 'acknowledged', 'returned')

-- name: of_retired
select alarm.id
from alarm
join machine on machine.id = alarm.machine_id
where machine.retired_at is not null
    and alarm.state in ('active', 'acknowledged', 'returned')

-- name: close
update alarm
set state = 'cleared', returned_at = coalesce(returned_at, %(at)s::timestamptz),
    cleared_at = %(at)s::timestamptz, judged = true,
    spans = case when returned_at is null then jsonb_set(spans, '{-1,1}', to_jsonb(
        (extract(epoch from %(at)s::timestamptz) * 1000)::bigint)) else spans end,
    evidence = evidence || jsonb_build_object('ended_by', %(ended_by)s::text)
where id = any(%(ids)s::bigint[])
    and state in ('active', 'acknowledged', 'returned')

-- name: acknowledge
update alarm
set acknowledged_at = %(at)s::timestamptz, acknowledged_by = %(who)s::text,
    state = case state when 'active' then 'acknowledged' else 'cleared' end,
    cleared_at = case state when 'active' then null else %(at)s::timestamptz end
where id = %(id)s::bigint and state in ('active', 'returned')
returning id

-- name: list
select alarm.id, alarm.machine_id, machine.serial, machine.product, alarm.component, alarm.rule,
    alarm.plan_version, alarm.severity, alarm.state, alarm.raised_at, alarm.returned_at,
    alarm.detected_at, alarm.acknowledged_at, alarm.acknowledged_by, alarm.cleared_at,
    alarm.occurrences, alarm.spans, alarm.late, alarm.evidence, alarm.suppression,
    alarm.flapping, named.number as ticket,
    alarm_rule.rule_version, alarm_rule.rule_version_since, alarm_rule.rule_version_today
from alarm
join machine on machine.id = alarm.machine_id
left join alarm_rule on alarm_rule.alarm_id = alarm.id
join station on station.id = machine.station
left join lateral (
    select ticket.number
    from finding
    join ticket on ticket.id = finding.ticket_id
    where finding.alarm_id = alarm.id
    order by finding.id desc
    limit 1
) as named on true
where (%(id)s::bigint is null or alarm.id = %(id)s::bigint)
    and (%(serial)s::text is null or machine.serial = %(serial)s::text)
    and (%(product)s::text is null or machine.product = %(product)s::text)
    and (%(region)s::text is null or station.region = %(region)s::text)
    and (%(rule)s::text is null or alarm.rule = %(rule)s::text)
    and (%(states)s::text[] is null or alarm.state = any(%(states)s::text[]))
    and alarm.severity >= %(severity)s::integer
    and (%(suppressed)s::boolean is null
        or (alarm.suppression is not null) = %(suppressed)s::boolean)
    and (%(flapping)s::boolean is null or alarm.flapping = %(flapping)s::boolean)
    and (%(since)s::timestamptz is null or alarm.raised_at >= %(since)s::timestamptz)
    and (%(until)s::timestamptz is null or alarm.raised_at < %(until)s::timestamptz)
    and (
        %(after_id)s::bigint is null
        or (alarm.raised_at, alarm.id) < (%(after_at)s::timestamptz, %(after_id)s::bigint)
    )
order by alarm.raised_at desc, alarm.id desc
limit %(limit)s::integer
