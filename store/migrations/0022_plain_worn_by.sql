-- The chances of worn_by as they were without condition and alarms; empty where those say nothing.
alter table remaining_life add column plain_by double precision[] not null default '{}';
