-- What the broker called a status without a time of its own (a will) until it was acknowledged: by
-- that it is known when it comes again.
alter table status_report add column delivery text;
