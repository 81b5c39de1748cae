-- What was normal for the machines of a product and region on a day, for rules that compare with
-- peers. A day is counted once, when it is over, and is never changed afterwards: a sample meets the
-- same peers live, when late data has it judged again, and in a backtest.
create table peer_day (
    product text not null references product (id),
    key text not null,                  -- what is compared, and in which regimes
    region text not null,
    day integer not null,               -- days since 1970, UTC
    level double precision not null,    -- median of the machines' means
    spread double precision not null,
    machines integer not null,
    primary key (product, key, region, day)
);
