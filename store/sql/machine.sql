-- name: put_regions
insert into region (id, name)
select * from unnest(%(ids)s::text[], %(names)s::jsonb[])
on conflict (id) do update set name = excluded.name;

-- name: put_customers
insert into customer (id, name)
select * from unnest(%(ids)s::text[], %(names)s::jsonb[])
on conflict (id) do update set name = excluded.name;

-- name: put_stations
insert into station (id, region, name, lat, lon)
select * from unnest(%(ids)s::text[], %(regions)s::text[], %(names)s::jsonb[],
    %(lats)s::double precision[], %(lons)s::double precision[])
on conflict (id) do update
set region = excluded.region, name = excluded.name, lat = excluded.lat, lon = excluded.lon;

-- name: put_machines
insert into machine (serial, product, model, customer, station, tier, site, lat, lon,
    commissioned_on, registered_at)
select given.*, %(at)s::timestamptz
from unnest(%(serials)s::text[], %(products)s::text[], %(models)s::text[], %(customers)s::text[],
    %(stations)s::text[], %(tiers)s::text[], %(sites)s::jsonb[], %(lats)s::double precision[],
    %(lons)s::double precision[], %(commissioned_on)s::date[]) given
on conflict (serial) do update
set model = excluded.model, customer = excluded.customer, station = excluded.station,
    tier = excluded.tier, site = excluded.site, lat = excluded.lat, lon = excluded.lon,
    commissioned_on = excluded.commissioned_on
returning id, serial;

-- name: of_serials
select serial, id, product from machine where serial = any(%(serials)s::text[]);

-- name: retire
update machine set retired_at = %(at)s::timestamptz
where serial = any(%(serials)s::text[]) and retired_at is null
returning id, serial;

-- name: reinstate
update machine set retired_at = null
where serial = any(%(serials)s::text[]) and retired_at is not null
returning serial;

-- name: retired
select id, retired_at from machine where retired_at is not null;

-- name: fit_missing_parts
with planned as materialized (  -- each plan is unpacked once, not for every machine
    select product.id as product, model ->> 'id' as model, wear ->> 'id' as part,
        place ->> 'id' as position
    from product
    cross join jsonb_array_elements(product.plan -> 'models') model
    cross join jsonb_array_elements(product.plan -> 'parts') wear
    cross join jsonb_array_elements(wear -> 'positions') place
    where not coalesce(model -> 'without' ? (wear ->> 'id'), false)
)
insert into fitted_part (machine_id, part, position, fitted_at)
select machine.id, planned.part, planned.position,
    machine.commissioned_on::timestamp at time zone 'UTC'
from machine
join planned on planned.product = machine.product and planned.model = machine.model
where not exists (
    select from fitted_part old
    where old.machine_id = machine.id and old.part = planned.part
        and old.position = planned.position
);

-- name: machines
select machine.id, machine.serial, machine.product, machine.model, machine.customer,
    customer.name as customer_name, machine.station, station.name as station_name,
    station.region, region.name as region_name, machine.tier, machine.site, machine.lat,
    machine.lon, machine.commissioned_on, machine.registered_at, machine.retired_at
from machine
join customer on customer.id = machine.customer
join station on station.id = machine.station
join region on region.id = station.region
where (%(serials)s::text[] is null or machine.serial = any(%(serials)s::text[]))
    and (%(ids)s::integer[] is null or machine.id = any(%(ids)s::integer[]))
order by machine.serial;

-- name: announce
select pg_notify('machine', '');

-- name: places
select 'region' as kind, id from region
union all select 'customer', id from customer
union all select 'station', id from station;

-- name: station_regions
select id, region from station;

-- name: machines_by_station
select station.id as station, station.region, count(*) as machines, avg(machine.lat) as lat
from machine
join station on station.id = machine.station
where machine.retired_at is null
group by station.id;

-- name: station_names
select id, name from station;
