-- name: add
insert into implausible_value (machine_id, measured_at, signal, value)
select * from unnest(%(machines)s::integer[], %(times)s::timestamptz[], %(signals)s::text[],
    %(values)s::double precision[])
    given (machine_id, measured_at, signal, value)
order by machine_id, measured_at, signal
on conflict do nothing
returning machine_id, measured_at

-- name: read
select machine_id, measured_at, signal, value from implausible_value
where machine_id = any(%(machines)s::integer[])
    and measured_at between %(oldest)s::timestamptz and %(newest)s::timestamptz
    and signal = any(%(signals)s::text[])
order by machine_id, measured_at, signal
