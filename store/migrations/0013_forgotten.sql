-- What was dropped because it was older, or more, than is to be kept: nothing goes without a trace.
create table forgotten (
    day date not null,                  -- UTC
    what text not null,                 -- the table
    count bigint not null,
    primary key (day, what)
);
create index rejected_message_received on rejected_message (received_at);
