-- Which records have no row in raw, as raw/tables.py declares it.
comment on table "raw"."conversations" is 'One row per conversation that had activity on the org’s UTC day, or that started on it.

A record without a usable id has a row too (`conversation_id` null), so that facts can say
why it was rejected. Records with nothing on the day have none: orphans, and those of the margin
before midnight from which the job asks.';
