-- Values that came and that no sensor of that kind can say; in the telemetry they are missing.
create table implausible_value (
    machine_id integer not null references machine,
    measured_at timestamptz not null,
    signal text not null,
    value double precision not null,
    primary key (machine_id, measured_at, signal)
);
