-- name: put_account
insert into account (name, display, role, station, password_hash, created_at)
values (%(name)s, %(display)s, %(role)s, %(station)s, %(password_hash)s, %(now)s)
on conflict (name) do update set
    display = excluded.display, role = excluded.role, station = excluded.station,
    password_hash = excluded.password_hash

-- name: find_account
select name, display, role, station, password_hash from account where name = %(name)s

-- name: list_accounts
select name, display, role, station, created_at,
    (
        select count(*) from session
        where session.account = account.name and session.expires_at > %(now)s
    ) as sessions
from account order by name

-- name: remove_account
delete from account where name = %(name)s
returning
    array(
        select number from ticket
        where assignee = %(name)s and status not in ('done', 'cancelled') order by number
    ) as tickets,
    array(
        select format('%%s (id %%s)', api_key.name, id) from api_key
        where created_by = %(name)s and revoked_at is null order by id
    ) as keys

-- name: technicians
select account.name, account.display, account.station,
    (
        select count(*) from ticket where ticket.assignee = account.name
            and ticket.status not in ('done', 'cancelled')
    ) as open_tickets
from account
where account.role = 'technician'
    and (%(station)s::text is null or account.station = %(station)s::text)
    and account.name > coalesce(%(after)s::text, '')
order by account.name
limit %(limit)s::integer

-- name: close_sessions
delete from session where account = %(account)s

-- name: one_at_a_time
select pg_advisory_xact_lock(hashtextextended('sign_in ' || %(name)s::text, 0))

-- name: count_failures
select count(*) as failures, min(at) as oldest
from sign_in_failure where name = %(name)s and at > %(since)s

-- name: forget_old_failures
delete from sign_in_failure where at <= %(since)s

-- name: add_failure
insert into sign_in_failure (name, at) values (%(name)s, %(now)s)

-- name: forget_failures
delete from sign_in_failure where name = %(name)s

-- name: forget_old_sessions
delete from session where expires_at <= %(now)s

-- name: open_session
insert into session (token_hash, account, expires_at)
select %(token_hash)s, name, %(expires_at)s from account
where name = %(account)s and password_hash = %(password_hash)s
for share
returning account

-- name: find_session
select account.name, account.display, account.role, account.station, session.expires_at
from session join account on account.name = session.account
where session.token_hash = %(token_hash)s and session.expires_at > %(now)s

-- name: close_session
delete from session where token_hash = %(token_hash)s

-- name: add_key
insert into api_key (name, role, key_hash, created_at, created_by)
values (%(name)s, %(role)s, %(key_hash)s, %(now)s, %(by)s)
returning id, name, role, created_at, created_by, revoked_at

-- name: find_key
select id, name, role from api_key where key_hash = %(key_hash)s and revoked_at is null

-- name: list_keys
select id, name, role, created_at, created_by, revoked_at
from api_key where id > %(after)s order by id limit %(limit)s

-- name: revoke_key
update api_key set revoked_at = %(now)s where id = %(id)s and revoked_at is null returning id
