-- Every wording of a rule that was ever loaded is a version of it, and each plan that was loaded
-- says which versions it holds: an alarm keeps its plan_version, and so the rule that raised it.
create table rule_version (
    product text not null references product (id),
    rule text not null,
    number integer not null check (number > 0),
    checksum text not null,             -- of the whole rule
    judgement text not null,            -- of what decides when it raises and clears
    definition jsonb not null,
    since timestamptz not null,         -- when it was first loaded
    primary key (product, rule, number),
    unique (product, rule, checksum)
);

create table plan_rule (
    product text not null,
    plan_version text not null,
    rule text not null,
    number integer not null,
    primary key (product, plan_version, rule),
    foreign key (product, rule, number) references rule_version (product, rule, number)
);

-- The version of the rule that raised an alarm, and the one that judges today (null: it is gone).
create view alarm_rule as
select alarm.id as alarm_id, raised_by.number as rule_version,
    raised_by.since as rule_version_since, today.number as rule_version_today,
    raised_by.judgement <> today.judgement as judges_otherwise
from alarm
join machine on machine.id = alarm.machine_id
join product on product.id = machine.product
join plan_rule as held
    on (held.product, held.plan_version, held.rule)
        = (product.id, alarm.plan_version, alarm.rule)
join rule_version as raised_by
    on (raised_by.product, raised_by.rule, raised_by.number)
        = (held.product, held.rule, held.number)
left join plan_rule as holds
    on (holds.product, holds.plan_version, holds.rule)
        = (product.id, product.version, alarm.rule)
left join rule_version as today
    on (today.product, today.rule, today.number) = (holds.product, holds.rule, holds.number);
