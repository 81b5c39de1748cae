-- name: put_product
insert into product as p (id, version, plan, loaded_at)
values (%(id)s::text, %(version)s::text, %(plan)s::jsonb, %(at)s::timestamptz)
on conflict (id) do update
set version = excluded.version, plan = excluded.plan, loaded_at = excluded.loaded_at
where p.version <> excluded.version or p.plan <> excluded.plan
returning id;

-- name: put_shared
insert into catalogue as c (shared) values (%(shared)s::jsonb)
on conflict (one) do update set shared = excluded.shared
where c.shared <> excluded.shared
returning one;

-- name: versions
select id, version from product order by id;

-- name: plans
select id, plan from product order by id;

-- name: shared
select shared from catalogue;

-- name: announce
select pg_notify('plans', '');
