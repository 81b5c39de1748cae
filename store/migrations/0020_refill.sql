-- Shelves filled up between two plans: by the levels of a plan and the stock of the day.

create table refill (
    id bigint primary key generated always as identity,
    run_id bigint not null references plan_run on delete cascade,
    as_of timestamptz not null,
    counted_at timestamptz not null,    -- the newest count of stock it rests on
    made_by text not null
);
create index refill_at on refill (as_of);

create table refill_move (
    id bigint primary key generated always as identity,
    refill_id bigint not null references refill on delete cascade,
    number text not null,
    source text not null references warehouse,
    target text not null references warehouse,
    quantity integer not null check (quantity > 0),
    kind text not null check (kind in ('now', 'arrival', 'back')),
    position integer not null,          -- of the target with all it serves
    level integer not null,             -- likewise
    lasts_days double precision         -- that the position lasts; null: nothing is asked for
);
create index refill_move_refill on refill_move (refill_id);
