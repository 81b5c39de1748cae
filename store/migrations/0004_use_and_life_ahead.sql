-- What forecasts of use and of life are kept from and in.

-- The use of a machine as it was ahead of the first day of each month that has samples: a year of
-- it shows the machine's season.
create table usage_month (
    machine_id integer not null references machine,
    month date not null,
    day date not null,                  -- UTC, the first one with samples
    hours double precision,
    totals jsonb not null,              -- use by part since the first sample
    primary key (machine_id, month)
);
insert into usage_month (machine_id, month, day, hours, totals)
select distinct on (machine_id, date_trunc('month', day)) machine_id, date_trunc('month', day), day,
    (state ->> 'hours')::double precision, state -> 'totals'
from usage_checkpoint
order by machine_id, date_trunc('month', day), day;

-- Chance that the part is worn out by the end of this calendar month (UTC) and of the next ones.
alter table remaining_life add column worn_by double precision[] not null default '{}';
