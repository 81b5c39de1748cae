-- Why a message was rejected is said in both languages, as everything people read. What was said in
-- English only stays so.
alter table rejected_message alter column detail type jsonb
    using jsonb_build_object('en', detail, 'zh', '原因：' || detail);
