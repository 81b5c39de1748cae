-- A ticket that ends does not end its alarms. An occurrence that was attached to a ticket which was
-- cancelled is told anew from that moment on; one that a visit dealt with is told anew where it
-- still stands long after the visit. Both moments are of the latest occurrence, and part of the key
-- of its finding, so that it is told once more and not twice.
alter table alarm
    add let_go_at timestamptz,          -- its ticket was cancelled
    add visited_at timestamptz;         -- its ticket was done
