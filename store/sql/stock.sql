-- name: put_warehouses
insert into warehouse (id, level, region, station, name)
select given.*
from unnest(%(ids)s::text[], %(levels)s::text[], %(regions)s::text[], %(stations)s::text[],
    %(names)s::jsonb[]) as given
on conflict (id) do update
set level = excluded.level, region = excluded.region, station = excluded.station,
    name = excluded.name;

-- name: warehouses
select warehouse.id, warehouse.level, warehouse.region, warehouse.station, warehouse.name
from warehouse
order by case level when 'headquarters' then 0 when 'region' then 1 else 2 end, id;

-- name: put_supply
insert into part_supply (number, price, supply_days, pack)
select given.*
from unnest(%(numbers)s::text[], %(prices)s::double precision[], %(days)s::double precision[],
    %(packs)s::integer[]) as given
on conflict (number) do update
set price = excluded.price, supply_days = excluded.supply_days, pack = excluded.pack;

-- name: supply
select number, price, supply_days, pack from part_supply;

-- name: put_stock
insert into part_stock (warehouse, number, on_hand, inbound, owed, counted_at)
select given.*, %(now)s
from unnest(%(warehouses)s::text[], %(numbers)s::text[], %(on_hand)s::integer[],
    %(inbound)s::integer[], %(owed)s::integer[]) as given
on conflict (warehouse, number) do update
set on_hand = excluded.on_hand, inbound = excluded.inbound, owed = excluded.owed,
    counted_at = excluded.counted_at;

-- name: stock
select warehouse, number, on_hand, inbound, owed, counted_at from part_stock;

-- name: put_issues
insert into part_issue (document, warehouse, number, quantity, issued_at, reason)
select given.*
from unnest(%(documents)s::text[], %(warehouses)s::text[], %(numbers)s::text[],
    %(quantities)s::integer[], %(issued_at)s::timestamptz[], %(reasons)s::text[]) as given
on conflict (document) do update
set warehouse = excluded.warehouse, number = excluded.number, quantity = excluded.quantity,
    issued_at = excluded.issued_at, reason = excluded.reason;

-- name: put_sales
insert into sales_plan (month, region, product, model, machines)
select given.*
from unnest(%(months)s::date[], %(regions)s::text[], %(products)s::text[], %(models)s::text[],
    %(machines)s::integer[]) as given
on conflict (month, region, product, model) do update set machines = excluded.machines;

-- name: sales
select month, region, product, model, machines from sales_plan where month >= %(since)s
order by month, region, product, model;

-- name: issues
select warehouse, number, issued_at::date as day, reason, sum(quantity)::integer as quantity
from part_issued
where issued_at >= %(since)s and issued_at < %(until)s
group by 1, 2, 3, 4
order by 1, 2, 3, 4;
