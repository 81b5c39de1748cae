-- The rules ask every minute which parts were removed from the machines that report; few were.
create index fitted_part_removed on fitted_part (machine_id) where removed_at is not null;
