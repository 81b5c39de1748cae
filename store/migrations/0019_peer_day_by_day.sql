-- Workers of the rules read the newest days of a product, every minute.
create index peer_day_newest on peer_day (product, day);
