-- Rewritten in every step of the rules, and larger than a row that is stored whole: pglz took more
-- of the server's time than all else about them. Half-empty pages let a new version stay on its page.
do $$
begin
    if (select 'lz4' = any (enumvals) from pg_settings where name = 'default_toast_compression') then
        alter table rule_state alter column state set compression lz4;
        alter table machine_now alter column signals set compression lz4;
    end if;
end
$$;
alter table rule_state set (fillfactor = 50);
alter table machine_now set (fillfactor = 50);
