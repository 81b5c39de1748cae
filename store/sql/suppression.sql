-- name: of_machines
select id, kind, machine_id, component, rule, since, until, reason, set_by, ended_at, ended_by
from suppression
where machine_id = any(%(machines)s::integer[])
    and coalesce(ended_at, until, 'infinity') > %(since)s::timestamptz
order by id

-- name: insert
insert into suppression (kind, machine_id, component, rule, since, until, reason, set_by)
values (%(kind)s::text, %(machine)s::integer, %(component)s::text, %(rule)s::text,
    %(now)s::timestamptz, %(until)s::timestamptz, %(reason)s::text, %(who)s::text)
returning id

-- name: end_same
update suppression set ended_at = %(now)s::timestamptz, ended_by = %(who)s::text
where machine_id = %(machine)s::integer and kind = %(kind)s::text
    and component is not distinct from %(component)s::text
    and rule is not distinct from %(rule)s::text
    and ended_at is null and (until is null or until > %(now)s::timestamptz)

-- name: end_one
update suppression set ended_at = %(now)s::timestamptz, ended_by = %(who)s::text
where id = %(id)s::bigint and ended_at is null
    and (until is null or until > %(now)s::timestamptz)
returning id

-- name: end_for_alarm
update suppression set ended_at = %(now)s::timestamptz, ended_by = %(who)s::text
from alarm
where alarm.id = %(alarm)s::bigint
    and suppression.kind = %(kind)s::text
    and suppression.machine_id = alarm.machine_id and suppression.rule = alarm.rule
    and suppression.component = alarm.component
    and suppression.ended_at is null
    and (suppression.until is null or suppression.until > %(now)s::timestamptz)
returning suppression.id

-- name: apply
-- What silences each live alarm at the moment; what its ticket or its lock did stays, and is there
-- again once nobody silences it any more; what waits to be judged is the worker's.
update alarm
set suppression = wanted.kind
from (
    select alarm.id, coalesce(
        (
            select suppression.kind from suppression
            where suppression.machine_id = alarm.machine_id
                and (suppression.component is null or suppression.component = alarm.component
                    or suppression.component = split_part(alarm.component, '/', 1))
                and (suppression.rule is null or suppression.rule = alarm.rule)
                and suppression.since <= %(now)s::timestamptz
                and coalesce(suppression.ended_at, suppression.until, 'infinity')
                    > %(now)s::timestamptz
            order by array_position(
                array['out_of_service', 'maintenance', 'shelved'], suppression.kind)
            limit 1
        ),
        case when alarm.suppression in ('ticket', 'recurrence') or not alarm.judged
            then alarm.suppression
            when alarm.suppression is not null then (
                select case when finding.outcome = 'attached'
                    and ticket.status not in ('done', 'cancelled') then 'ticket' end
                from finding
                left join ticket on ticket.id = finding.ticket_id
                where finding.alarm_id = alarm.id
                order by finding.id desc
                limit 1
            )
        end
    ) as kind
    from alarm
    where alarm.state in ('active', 'acknowledged', 'returned')
        and (%(machine)s::integer is null or alarm.machine_id = %(machine)s::integer)
        and (%(partitions)s::integer[] is null
            or mod(alarm.machine_id, 16) = any(%(partitions)s::integer[]))
) as wanted
where wanted.id = alarm.id and alarm.suppression is distinct from wanted.kind

-- name: list
select suppression.id, suppression.kind, machine.serial, machine.product, suppression.component,
    suppression.rule, suppression.since, suppression.until, suppression.reason,
    suppression.set_by, suppression.ended_at, suppression.ended_by,
    (
        suppression.ended_at is null
        and (suppression.until is null or suppression.until > %(now)s::timestamptz)
    ) as running
from suppression
join machine on machine.id = suppression.machine_id
where (%(id)s::bigint is null or suppression.id = %(id)s::bigint)
    and (%(serial)s::text is null or machine.serial = %(serial)s::text)
    and (
        not %(running)s::boolean
        or (
            suppression.ended_at is null
            and (suppression.until is null or suppression.until > %(now)s::timestamptz)
        )
    )
    and (%(after)s::bigint is null or suppression.id < %(after)s::bigint)
order by suppression.id desc
limit %(limit)s::integer
