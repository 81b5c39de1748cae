-- What the fleets of products taught their detectors. `model` is empty where all machines of the
-- product taught together; what is learned counts from `since` on, machine time, and is never
-- changed afterwards, so that a replay meets what counted then. `body` is for the rules to read.
create table detector_normal (
    product text not null references product,
    rule text not null,
    model text not null,
    since timestamptz not null,
    body bytea not null,
    primary key (product, rule, model, since)
);
