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

-- name: put_rules
with given as (
    select * from unnest(%(rules)s::text[], %(checksums)s::text[], %(judgements)s::text[],
        %(definitions)s::jsonb[]) as rule (rule, checksum, judgement, definition)
), newest as (
    select rule, max(number) as number
    from rule_version
    where product = %(product)s::text
    group by rule
), added as (
    insert into rule_version (product, rule, number, checksum, judgement, definition, since)
    select %(product)s::text, given.rule, coalesce(newest.number, 0) + 1, given.checksum,
        given.judgement, given.definition, %(at)s::timestamptz
    from given
    left join newest on newest.rule = given.rule
    on conflict (product, rule, checksum) do nothing
    returning rule, number
)
insert into plan_rule (product, plan_version, rule, number)
select %(product)s::text, %(version)s::text, given.rule, coalesce(added.number, known.number)
from given
left join added on added.rule = given.rule
left join rule_version as known
    on known.product = %(product)s::text
    and known.rule = given.rule
    and known.checksum = given.checksum
on conflict (product, plan_version, rule) do nothing

-- name: rule_versions
select rule_version.number, rule_version.since, rule_version.definition,
    coalesce(rule_version.number = today.number, false) as is_today
from rule_version
left join product on product.id = rule_version.product
left join plan_rule as today
    on today.product = rule_version.product
    and today.plan_version = product.version
    and today.rule = rule_version.rule
where rule_version.product = %(product)s::text and rule_version.rule = %(rule)s::text
order by rule_version.number
