-- What the broker had to drop, as its own counter says: one row each time that changed.
create table broker_loss (
    id bigint primary key generated always as identity,
    seen_at timestamptz not null,
    counter bigint not null,            -- since the broker's start
    dropped bigint not null             -- since the row before
);
