-- The next inspection of each machine, set where it prevents most, and what was learned of lives.

create table inspection_due (
    machine_id integer primary key references machine,
    due_at timestamptz not null,
    reason jsonb not null,              -- {"en": ..., "zh": ...}
    evidence jsonb not null,
    as_of timestamptz not null
);

alter table finding drop constraint finding_kind_check;
alter table finding add constraint finding_kind_check
    check (kind in ('alarm', 'connection', 'wear', 'service', 'inspection'));

create table learned_life (
    product text not null references product,
    part text not null,
    learned_at timestamptz not null,
    ended integer not null,             -- lives that were seen to end
    lives integer not null,
    p10 double precision not null,      -- life of a new part, in the driver's unit
    p50 double precision not null,
    p90 double precision not null,
    curve jsonb not null,               -- [[use, share of parts that last longer], ...]
    factors jsonb not null,             -- factor on life by kind of machine
    checks jsonb not null,              -- [{name, passed, text: {en, zh}}, ...]
    primary key (product, part)
);
