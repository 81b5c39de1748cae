-- What parts show of their wear, day by day; it sharpens what is left of their lives.

create table condition_day (
    machine_id integer not null references machine,
    part text not null,
    day date not null,                  -- UTC
    samples integer not null,
    mean double precision not null,     -- of what the plan's condition of the part says
    use double precision not null,      -- the machine's total of the part by then
    primary key (machine_id, part, day)
);

-- What the part shows: {value, new, limit, days, p50_before}; null where it shows nothing.
alter table remaining_life add column condition jsonb;
