-- Warehouses, what lies in them, how articles come, what was issued, and the plans made of it.

create table warehouse (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    level text not null check (level in ('headquarters', 'region', 'station')),
    region text references region,
    station text references station,
    name jsonb not null,
    check ((level = 'headquarters') = (region is null)),
    check ((level = 'station') = (station is not null))
);
create unique index warehouse_headquarters on warehouse (level) where level = 'headquarters';
create unique index warehouse_region on warehouse (region) where level = 'region';
create unique index warehouse_station on warehouse (station) where level = 'station';

-- An article is named by its number, which several products may share.
create table part_supply (
    number text primary key,
    price double precision not null check (price > 0),      -- yuan per piece
    supply_days double precision not null check (supply_days > 0),
    pack integer not null default 1 check (pack > 0)
);

create table part_stock (
    warehouse text not null references warehouse,
    number text not null,
    on_hand integer not null check (on_hand >= 0),
    inbound integer not null default 0 check (inbound >= 0),
    owed integer not null default 0 check (owed >= 0),
    counted_at timestamptz not null,
    primary key (warehouse, number)
);

-- Pieces that left a warehouse otherwise than with a ticket, which is counted by itself.
create table part_issue (
    document text primary key,          -- what the other system calls it: once imported, once there
    warehouse text not null references warehouse,
    number text not null,
    quantity integer not null check (quantity > 0),
    issued_at timestamptz not null,
    reason text not null check (reason in ('wear', 'service', 'repair', 'sale'))
);
create index part_issue_at on part_issue (issued_at);

-- Every piece that left a warehouse: with a finished ticket (from the warehouse nearest to the
-- machine) or as another system says.
create view part_issued as
select coalesce(own.id, regional.id, head.id) as warehouse, part.value ->> 'number' as number,
    ticket_part.quantity, ticket.done_at as issued_at,
    case
        when exists (
            select from ticket_item
            where ticket_item.ticket_id = ticket.id and ticket_item.kind = 'wear'
                and ticket_item.source = ticket_part.part
        ) then 'wear'
        when exists (
            select from ticket_item
            where ticket_item.ticket_id = ticket.id and ticket_item.kind = 'service'
        ) then 'service'
        else 'repair'
    end as reason
from ticket_part
join ticket on ticket.id = ticket_part.ticket_id
join machine on machine.id = ticket.machine_id
join station on station.id = machine.station
join product on product.id = machine.product
join lateral jsonb_array_elements(product.plan -> 'parts') as part (value)
    on part.value ->> 'id' = ticket_part.part
left join warehouse as own on own.level = 'station' and own.station = machine.station
left join warehouse as regional
    on regional.level = 'region' and regional.region = station.region
join warehouse as head on head.level = 'headquarters'
where ticket_part.replaced and ticket.done_at is not null
union all
select warehouse, number, quantity, issued_at, reason from part_issue;

create table sales_plan (
    month date not null,
    region text not null references region,
    product text not null references product,
    model text not null,
    machines integer not null check (machines > 0),
    primary key (month, region, product, model)
);

create table plan_run (
    id bigint primary key generated always as identity,
    month date not null,                -- the first month planned for
    as_of timestamptz not null,
    made_by text not null,
    version text not null,              -- of the software and of the product plans
    settings jsonb not null,
    summary jsonb not null
);
create index plan_run_month on plan_run (month, id);

-- Demand of a region (null: all of them) in a month, as a distribution.
create table plan_demand (
    run_id bigint not null references plan_run on delete cascade,
    number text not null,
    region text references region,
    month date not null,
    mean double precision not null,
    sources jsonb not null,             -- expected pieces worn, service, new, other
    quantiles double precision[] not null,  -- at plan_run.settings -> levels
    chances real[] not null,            -- of 0, 1, ... pieces
    unique nulls not distinct (run_id, number, region, month)
);

create table plan_line (
    id bigint primary key generated always as identity,
    run_id bigint not null references plan_run on delete cascade,
    number text not null,
    product text not null,              -- one that has the article, for its name
    part text not null,
    warehouse text not null references warehouse,
    value_class text not null check (value_class in ('A', 'B', 'C')),
    service_level double precision not null,
    price double precision not null,
    on_hand integer not null,
    inbound integer not null,
    owed integer not null,
    position integer not null,          -- with all warehouses it serves
    level integer not null,             -- base stock, with all warehouses it serves
    own_level integer not null,
    cover_days double precision not null,
    expected double precision not null, -- pieces within cover_days
    high double precision not null,     -- the service level's quantile of them
    order_quantity integer not null,    -- from the supplier
    emergency_quantity integer not null,
    transfers jsonb not null,           -- [{"from": warehouse, "quantity": n}]
    surplus integer not null,           -- beyond all demand of the horizon
    order_on date,                      -- the next order, where none is due now
    rule_quantity integer not null,     -- the simple rule's
    returns double precision not null,  -- old parts that go back within the month, expected
    reasons jsonb not null,
    unique (run_id, number, warehouse)
);

create table plan_override (
    line_id bigint primary key references plan_line on delete cascade,
    quantity integer not null check (quantity >= 0),
    reason text not null check (reason <> ''),
    made_by text not null,
    made_at timestamptz not null
);
