-- The core relations. Telemetry hypertables are made from the product plans (store/telemetry.py).

create table product (
    id text primary key,
    version text not null,              -- checksum of the plan's files
    plan jsonb not null,
    loaded_at timestamptz not null
);

create table catalogue (
    one boolean primary key default true check (one),
    shared jsonb not null               -- service tiers, J1939 texts
);

create table region (
    id text primary key,
    name jsonb not null                 -- {"en": ..., "zh": ...}, as every name below
);

create table customer (
    id text primary key,
    name jsonb not null
);

create table station (
    id text primary key,
    region text not null references region,
    name jsonb not null,
    lat double precision not null,
    lon double precision not null
);

create table machine (
    id integer primary key generated always as identity,
    serial text not null unique check (serial ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
    product text not null references product,
    model text not null,
    customer text not null references customer,
    station text not null references station,
    tier text not null,                 -- service tier of the catalogue
    site jsonb not null,
    lat double precision not null,      -- where the machine is registered
    lon double precision not null,
    commissioned_on date not null,
    registered_at timestamptz not null,
    retired_at timestamptz
);
create index machine_product on machine (product);
create index machine_station on machine (station);

-- The ingest log: one row per product and kind in each commit. `position` is given out under a
-- lock held to the end of the transaction, so that consumers who follow it miss no commit.
create sequence ingest_batch_id;
create sequence ingest_batch_position;
create table ingest_batch (
    position bigint primary key,
    id bigint not null unique,
    kind text not null check (kind in ('telemetry', 'faults', 'status')),
    product text not null references product,
    samples integer not null,
    oldest timestamptz not null,        -- times of measurement
    newest timestamptz not null,
    received_at timestamptz not null,
    committed_at timestamptz not null default clock_timestamp()
);

create table consumer_cursor (
    consumer text primary key,
    position bigint not null,
    updated_at timestamptz not null
);

-- What came of everything a machine sent, counted in samples (a fault or status report is one):
-- received = stored + merged + repeated + rejected.
create table machine_ledger (
    machine_id integer primary key references machine,
    first_measured_at timestamptz,
    last_measured_at timestamptz,
    last_received_at timestamptz,
    status text check (status in ('online', 'offline')),
    status_at timestamptz,
    messages bigint not null default 0,
    received bigint not null default 0,
    stored bigint not null default 0,
    merged bigint not null default 0,
    repeated bigint not null default 0,
    rejected bigint not null default 0,
    late bigint not null default 0,
    check (received = stored + merged + repeated + rejected)
);

create table bad_value (
    machine_id integer not null references machine,
    day date not null,                  -- of measurement, UTC
    signal text not null,               -- as the machine called it
    reason text not null,
    count bigint not null,
    primary key (machine_id, day, signal, reason)
);

create table rejected_message (
    id bigint primary key generated always as identity,
    received_at timestamptz not null,
    machine_id integer references machine,
    topic text not null,
    content_type text,
    payload bytea not null,             -- the first part of a very long message
    payload_size integer not null,
    samples integer not null default 1, -- as counted in the ledger
    reason text not null,               -- one word, for counting
    detail text not null,               -- a sentence: what is wrong and where
    replayed_at timestamptz,
    -- The same bytes once more are a repetition: a redelivered message is rejected once.
    digest text not null unique
        generated always as (md5(topic) || md5(payload) || payload_size::text) stored
);
create index rejected_message_machine on rejected_message (machine_id, received_at);

create table fault_report (
    machine_id integer not null references machine,
    measured_at timestamptz not null,
    batch_id bigint not null,
    active jsonb not null,
    primary key (machine_id, measured_at)
);
create index fault_report_batch on fault_report (batch_id);

create table status_report (
    machine_id integer not null references machine,
    measured_at timestamptz not null,
    batch_id bigint not null,
    state text not null check (state in ('online', 'offline')),
    primary key (machine_id, measured_at)
);
create index status_report_batch on status_report (batch_id);

-- Rules: the engine's state, what is known of each machine now, alarms and findings.
create table rule_state (
    machine_id integer primary key references machine,
    as_of timestamptz not null,         -- newest moment folded in
    state bytea not null
);

create table rule_checkpoint (
    machine_id integer not null references machine,
    as_of timestamptz not null,
    state bytea not null,
    primary key (machine_id, as_of)
);

create table machine_now (
    machine_id integer primary key references machine,
    measured_at timestamptz,
    regime text,
    regime_since timestamptz,
    signals jsonb not null default '{}',    -- key -> [value, epoch ms]
    faults jsonb not null default '[]',     -- trouble codes active now
    connection text not null default 'never_seen'
        check (connection in ('never_seen', 'online', 'late', 'offline', 'parked')),
    connection_since timestamptz
);

create table alarm (
    id bigint primary key generated always as identity,
    machine_id integer not null references machine,
    component text not null,
    rule text not null,
    plan_version text not null,
    severity smallint not null check (severity between 1 and 4),
    -- ISA-18.2: active and acknowledged stand, returned waits for a person, cleared is over;
    -- withdrawn: later data showed that it never was.
    state text not null
        check (state in ('active', 'acknowledged', 'returned', 'cleared', 'withdrawn')),
    raised_at timestamptz not null,     -- event time
    returned_at timestamptz,
    detected_at timestamptz not null,   -- when the engine saw it
    acknowledged_at timestamptz,
    acknowledged_by text,
    cleared_at timestamptz,
    occurrences integer not null default 1,
    spans jsonb not null default '[]',  -- [raised, returned or null] of each occurrence, epoch ms
    late boolean not null,
    judged boolean not null default true,   -- false: late, its finding waits until it is clear
                                            -- whether the alarm still stands
    evidence jsonb not null
);
create unique index alarm_live on alarm (machine_id, component, rule)
    where state in ('active', 'acknowledged', 'returned');
create index alarm_machine on alarm (machine_id, raised_at);
create index alarm_unjudged on alarm (machine_id) where not judged;

create table ticket (
    id bigint primary key generated always as identity,
    number text not null unique,
    machine_id integer not null references machine,
    status text not null check (status in
        ('new', 'assigned', 'accepted', 'travelling', 'working', 'done', 'cancelled')),
    priority smallint not null check (priority between 1 and 4),
    title jsonb not null,
    station text not null references station,
    assignee text,
    opened_at timestamptz not null,
    target_at timestamptz not null,     -- on site by, from the machine's service tier
    planned_at timestamptz,             -- when the visit is meant to begin
    arrived_at timestamptz,             -- work began: the promise is kept or broken
    done_at timestamptz,
    minutes integer not null,
    skill text not null,
    finding_code text,
    finding_note text,
    version integer not null default 1,
    check ((status = 'done') = (finding_code is not null))
);
-- One visit per machine: until the technician has left for it, everything joins it.
create unique index ticket_visit on ticket (machine_id)
    where status in ('new', 'assigned', 'accepted');
create index ticket_machine on ticket (machine_id, opened_at);
create index ticket_status on ticket (status, priority, target_at);

create table fitted_part (
    id bigint primary key generated always as identity,
    machine_id integer not null references machine,
    part text not null,
    position text not null,
    fitted_at timestamptz not null,
    used_before double precision not null default 0,    -- use before the first reading
    removed_at timestamptz,
    removed_reason text check (removed_reason in ('worn', 'failed', 'early')),
    removed_ticket bigint references ticket,
    check ((removed_at is null) = (removed_reason is null))
);
create unique index fitted_part_place on fitted_part (machine_id, part, position)
    where removed_at is null;

create table finding (
    id bigint primary key generated always as identity,
    machine_id integer not null references machine,
    kind text not null check (kind in ('alarm', 'connection', 'wear', 'service')),
    source text not null,               -- rule, part or service interval
    component text not null,
    severity smallint not null check (severity between 1 and 4),
    happened_at timestamptz not null,
    late boolean not null,
    evidence jsonb not null,
    alarm_id bigint references alarm,
    fitted_part_id bigint references fitted_part,
    decided_at timestamptz not null,
    outcome text not null check (outcome in
        ('opened', 'merged', 'raised', 'recorded')),
    reason jsonb not null,              -- why this outcome, in both languages
    ticket_id bigint references ticket,
    check ((outcome = 'recorded') = (ticket_id is null))
);
create unique index finding_once
    on finding (machine_id, kind, source, component, happened_at);
create index finding_ticket on finding (ticket_id);
create index finding_machine on finding (machine_id, happened_at);

create table ticket_item (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references ticket,
    finding_id bigint not null references finding,
    kind text not null,
    source text not null,
    component text not null,
    severity smallint not null,
    title jsonb not null,
    reason jsonb not null,
    evidence jsonb not null,
    failure_modes text[] not null,
    added_at timestamptz not null,
    finding_code text,                  -- what the technician found
    note text
);
create index ticket_item_ticket on ticket_item (ticket_id);

create table ticket_check (
    ticket_id bigint not null references ticket,
    sequence smallint not null,
    checklist text not null,
    item text not null,
    definition jsonb not null,          -- the check as it stood when the ticket was written
    answer jsonb,
    passed boolean,
    answered_at timestamptz,
    answered_by text,
    primary key (ticket_id, sequence),
    unique (ticket_id, checklist, item)
);

create table ticket_part (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references ticket,
    part text not null,
    fitted_part_id bigint references fitted_part,
    quantity integer not null check (quantity > 0),
    reason jsonb not null,
    replaced boolean,                   -- null until the technician has answered
    found text check (found in ('worn', 'failed', 'early')),
    check (found is null or coalesce(replaced, false)),
    unique nulls not distinct (ticket_id, part, fitted_part_id)
);

create table ticket_event (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references ticket,
    at timestamptz not null,
    actor text not null,
    from_status text,
    to_status text not null,
    note jsonb not null
);
create index ticket_event_ticket on ticket_event (ticket_id, id);

-- Wear: usage of fitted parts, remaining life, alerts for the parts team, services done.
create table usage_state (
    machine_id integer primary key references machine,
    as_of timestamptz not null,
    state jsonb not null
);

-- The state as it was before the first sample of a day: late data are folded in from there.
create table usage_checkpoint (
    machine_id integer not null references machine,
    day date not null,                  -- UTC
    as_of timestamptz not null,         -- newest moment folded in
    state jsonb not null,
    primary key (machine_id, day)
);

create table part_usage (
    fitted_part_id bigint primary key references fitted_part,
    at_fitting double precision not null,   -- the machine's total when the part was fitted
    used double precision not null,     -- in the unit of the part's driver
    per_day double precision,           -- recent average, null while too short
    as_of timestamptz not null
);

create table remaining_life (
    fitted_part_id bigint primary key references fitted_part,
    as_of timestamptz not null,
    unit text not null,
    p10 double precision not null,      -- remaining use, in the driver's unit
    p50 double precision not null,
    p90 double precision not null,
    due_p10 timestamptz,                -- null: beyond the horizon or no use
    due_p50 timestamptz,
    due_p90 timestamptz,
    worn_share double precision not null,   -- used / expected life
    method text not null,
    sample_size integer not null
);

create table part_alert (
    id bigint primary key generated always as identity,
    machine_id integer not null references machine,
    fitted_part_id bigint not null references fitted_part,
    part text not null,
    quantity integer not null,
    -- withdrawn: no longer true by itself; dismissed: a person said no.
    status text not null
        check (status in ('open', 'ordered', 'done', 'dismissed', 'withdrawn')),
    raised_at timestamptz not null,
    order_by timestamptz not null,
    needed_by timestamptz not null,
    probability double precision not null,
    evidence jsonb not null,
    ticket_id bigint references ticket,
    changed_at timestamptz not null,
    changed_by text
);
create unique index part_alert_live on part_alert (fitted_part_id)
    where status in ('open', 'ordered');

-- Scheduled services: what is due next on each machine.
create table service_due (
    machine_id integer not null references machine,
    service text not null,
    hours double precision not null,    -- operating hours now
    due_hours double precision not null,
    due_at timestamptz,                 -- by recent use or by the calendar; null: no use
    since timestamptz not null,         -- when this period began: last done, or first seen
    announce boolean not null,          -- within the lead time of the service
    as_of timestamptz not null,
    primary key (machine_id, service)
);

create table service_done (
    machine_id integer not null references machine,
    service text not null,
    done_at timestamptz not null,
    hours double precision not null,
    ticket_id bigint references ticket,
    primary key (machine_id, service, done_at)
);

-- People, programs and what runs.
create table account (
    name text primary key,
    display jsonb not null,
    role text not null check (role in ('manager', 'technician', 'parts')),
    station text references station,
    password_hash text not null,
    created_at timestamptz not null
);

create table session (
    token_hash bytea primary key,
    account text not null references account on delete cascade,
    expires_at timestamptz not null
);

create table api_key (
    id bigint primary key generated always as identity,
    name text not null,
    role text not null check (role in ('manager', 'technician', 'parts')),
    key_hash bytea not null unique,
    created_at timestamptz not null,
    created_by text not null,
    revoked_at timestamptz
);

create table process_beat (
    process text not null,              -- ingest, rules, predict, api, ...
    instance text not null,
    pid integer not null,
    address text,
    started_at timestamptz not null,
    beat_at timestamptz not null,
    detail jsonb not null default '{}',
    primary key (process, instance)
);
