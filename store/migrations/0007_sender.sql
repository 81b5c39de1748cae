-- Who sent a message as its topic says, known or not: what the unknown sent waits until they are
-- registered. `ingest.topics.parse_topic` says the same; a test compares the two. Cut behind what a
-- serial can have (64 characters): an index takes no text of any length.
alter table rejected_message add column sender text generated always as (
    nullif(left(
        case
            when starts_with(topic, 'ironpulse/v1/') then split_part(topic, '/', 3)
            when starts_with(topic, 'spBv1.0/') and split_part(topic, '/', 5) = ''
                then split_part(topic, '/', 4)
            when starts_with(topic, 'spBv1.0/') then split_part(topic, '/', 5)
        end, 65), '')
) stored;
create index rejected_message_unknown on rejected_message (sender)
    where reason = 'unknown_machine' and replayed_at is null;
