-- A rule changed and tried on history, asked for by a manager; kept for some days.
create table trial (
    id bigint primary key generated always as identity,
    product text not null references product,
    rule text not null,
    change jsonb not null,              -- what differs from today's rule
    since timestamptz not null,
    until timestamptz not null,
    asked_by text not null,
    asked_at timestamptz not null,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    progress double precision not null default 0,   -- share of history judged
    seen_at timestamptz,                -- when its process last said that it is at work
    ended_at timestamptz,
    error jsonb,                        -- a sentence in both languages
    result jsonb,
    check (since < until),
    check ((state = 'done') = (result is not null)),
    check ((state = 'failed') = (error is not null))
);
create index trial_waiting on trial (id) where state in ('queued', 'running');
