-- A fault costs no more than the smallest thing that has it: facts.rejects names parts of records
-- too. Until now each of its rows was a whole record, whatever level its fault was at (`path` still
-- has that). The update is last: DuckDB alters no table that its transaction has updated.
comment on table "facts"."rejects" is 'One row per record that facts could not read, or per part of a record that was set aside.

Of level `record` nothing is in the other tables. Of any other level just this part is
missing there: everything else of the record is booked.';
comment on column "facts"."rejects"."level" is 'What is missing: record (all of it), participant, session, segment, metric or field (one value; its row stays)';
alter table "facts"."rejects" add column if not exists "name" {text};
comment on column "facts"."rejects"."name" is 'Of the metric or field, e.g. tHandle';
update "facts"."rejects" set "level" = 'record' where "name" is null;
