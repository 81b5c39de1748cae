-- name: put
insert into learned_life (product, part, learned_at, ended, lives, p10, p50, p90, curve, factors,
    checks)
select given.product, given.part, %(now)s, given.ended, given.lives, given.p10, given.p50,
    given.p90, given.curve, given.factors, given.checks
from unnest(%(product)s::text[], %(part)s::text[], %(ended)s::integer[], %(lives)s::integer[],
    %(p10)s::double precision[], %(p50)s::double precision[], %(p90)s::double precision[],
    %(curve)s::jsonb[], %(factors)s::jsonb[], %(checks)s::jsonb[])
    as given (product, part, ended, lives, p10, p50, p90, curve, factors, checks)
on conflict (product, part) do update
set learned_at = excluded.learned_at, ended = excluded.ended, lives = excluded.lives,
    p10 = excluded.p10, p50 = excluded.p50, p90 = excluded.p90, curve = excluded.curve,
    factors = excluded.factors, checks = excluded.checks;

-- name: forget
delete from learned_life where learned_at < %(now)s;

-- name: learned
select product, part, learned_at, ended, lives, p10, p50, p90, curve, factors, checks
from learned_life
where (%(product)s::text is null or product = %(product)s)
    and (%(part)s::text is null or part = %(part)s)
    and (%(after_product)s::text is null
        or (product, part) > (%(after_product)s::text, %(after_part)s::text))
order by product, part
limit %(limit)s;
