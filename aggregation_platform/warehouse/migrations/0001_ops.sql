-- What the platform keeps about its own work. Written from ops_tables.py.
create schema if not exists "ops";
create table if not exists "ops"."partition_log" (
    "table_name" {text},
    "org" {text},
    "day" {date},
    "rows" {integer},
    "run_id" {text},
    "epoch" {integer},
    "written_at" {instant},
    "content_hash" {text},
    "finality" {text}
);
comment on table "ops"."partition_log" is 'One row per partition as it stands: its last replacement.';
comment on column "ops"."partition_log"."table_name" is 'layer.table';
comment on column "ops"."partition_log"."org" is 'null where the table has no org partitions';
comment on column "ops"."partition_log"."day" is 'UTC day; null where the table has no day partitions';
comment on column "ops"."partition_log"."rows" is 'rows in the partition';
comment on column "ops"."partition_log"."run_id" is 'the run or command that wrote it';
comment on column "ops"."partition_log"."epoch" is 'fencing token of the write';
comment on column "ops"."partition_log"."written_at" is 'when it was written';
comment on column "ops"."partition_log"."content_hash" is 'of the rows, independent of their order';
comment on column "ops"."partition_log"."finality" is 'provisional, complete or final';
create table if not exists "ops"."extraction_ledger" (
    "org" {text},
    "dataset" {text},
    "interval_from" {instant},
    "interval_to" {instant},
    "attempt_id" {text},
    "state" {text},
    "rows" {integer},
    "bytes" {integer},
    "content_hash" {text},
    "source_job_id" {text},
    "epoch" {integer},
    "run_id" {text},
    "committed_at" {instant},
    "data_available_to" {instant},
    "pages" {integer},
    "records" {integer},
    "duplicates" {integer},
    "orphans" {integer},
    "rejects" {integer},
    "requests" {integer},
    "retries" {integer},
    "waited_ms" {integer},
    "requests_by_outcome" {json}
);
comment on table "ops"."extraction_ledger" is 'One row per attempt that brought an org’s interval into the warehouse.';
comment on column "ops"."extraction_ledger"."dataset" is 'what was extracted: conversations, users';
comment on column "ops"."extraction_ledger"."interval_from" is 'start of the interval, included';
comment on column "ops"."extraction_ledger"."interval_to" is 'end of the interval, not included';
comment on column "ops"."extraction_ledger"."attempt_id" is 'the attempt’s name in the landing zone';
comment on column "ops"."extraction_ledger"."state" is 'what the extraction came to';
comment on column "ops"."extraction_ledger"."rows" is 'rows stored';
comment on column "ops"."extraction_ledger"."bytes" is 'bytes received over the wire';
comment on column "ops"."extraction_ledger"."content_hash" is 'equal hashes mean an equal answer';
comment on column "ops"."extraction_ledger"."source_job_id" is 'the details job; null for a query';
comment on column "ops"."extraction_ledger"."epoch" is 'fencing token of the write';
comment on column "ops"."extraction_ledger"."run_id" is 'the run or command that wrote it';
comment on column "ops"."extraction_ledger"."committed_at" is 'when it was written';
comment on column "ops"."extraction_ledger"."data_available_to" is 'the source’s watermark at the time';
comment on column "ops"."extraction_ledger"."pages" is 'pages landed';
comment on column "ops"."extraction_ledger"."records" is 'records on those pages';
comment on column "ops"."extraction_ledger"."duplicates" is 'records that another page had as well';
comment on column "ops"."extraction_ledger"."orphans" is 'records of which nothing happened in the interval';
comment on column "ops"."extraction_ledger"."rejects" is 'records that did not fit';
comment on column "ops"."extraction_ledger"."requests" is 'requests sent, retries included';
comment on column "ops"."extraction_ledger"."retries" is 'requests that were repeated';
comment on column "ops"."extraction_ledger"."waited_ms" is 'time waited for permits and for the source';
comment on column "ops"."extraction_ledger"."requests_by_outcome" is 'requests by what became of them: 2xx, 4xx, 401, 429, 5xx, lost, unsent';
create table if not exists "ops"."restatements" (
    "org" {text},
    "day" {date},
    "table_name" {text},
    "cell" {json},
    "measure" {text},
    "before" {integer},
    "after" {integer},
    "found_at" {instant},
    "conversation_ids" {json},
    "run_id" {text}
);
comment on table "ops"."restatements" is 'One row per measure of a published cell that a later read changed.';
comment on column "ops"."restatements"."day" is 'UTC day of the cell';
comment on column "ops"."restatements"."table_name" is 'layer.table of the cell';
comment on column "ops"."restatements"."cell" is 'the cell’s key columns and their values';
comment on column "ops"."restatements"."measure" is 'the column that changed';
comment on column "ops"."restatements"."before" is 'null where the cell is new';
comment on column "ops"."restatements"."after" is 'null where the cell is gone';
comment on column "ops"."restatements"."found_at" is 'when the change was found';
comment on column "ops"."restatements"."conversation_ids" is 'the conversations behind the change, a list';
comment on column "ops"."restatements"."run_id" is 'the run that found it';
create table if not exists "ops"."drift" (
    "org" {text},
    "kind" {text},
    "path" {text},
    "value" {text},
    "first_seen_at" {instant},
    "last_seen_at" {instant},
    "seen_count" {integer},
    "example" {text},
    "run_id" {text}
);
comment on table "ops"."drift" is 'One row per thing that an org’s records had and the facts did not know.';
comment on column "ops"."drift"."kind" is 'member (unknown), misfit (a known member of another type), value (unknown name in a known member) or attribute (name of a participant attribute)';
comment on column "ops"."drift"."path" is 'where in the record, with [] for list items';
comment on column "ops"."drift"."value" is 'the member, name or attribute';
comment on column "ops"."drift"."first_seen_at" is 'when it was first seen';
comment on column "ops"."drift"."last_seen_at" is 'when it was last seen';
comment on column "ops"."drift"."seen_count" is 'records that had it when last seen';
comment on column "ops"."drift"."example" is 'a conversation that has it';
comment on column "ops"."drift"."run_id" is 'the run that last saw it';
create table if not exists "ops"."gaps" (
    "gap_id" {text},
    "org" {text},
    "dataset" {text},
    "interval_from" {instant},
    "interval_to" {instant},
    "cause" {text},
    "opened_at" {instant},
    "state" {text},
    "attempts" {integer},
    "closed_at" {instant},
    "closed_by" {text}
);
comment on table "ops"."gaps" is 'One row per interval of an org known to be missing, open or closed.';
comment on column "ops"."gaps"."interval_from" is 'start of what is missing, included';
comment on column "ops"."gaps"."interval_to" is 'end of what is missing, not included';
comment on column "ops"."gaps"."cause" is 'why: the source, the sink, a site';
comment on column "ops"."gaps"."state" is 'open, filling, closed or unrecoverable';
comment on column "ops"."gaps"."attempts" is 'times it was tried to be filled';
create table if not exists "ops"."org_marks" (
    "org" {text},
    "dataset" {text},
    "high_water" {instant},
    "leading_edge" {instant},
    "available_to" {instant},
    "last_progress_at" {instant},
    "state" {text},
    "state_since" {instant},
    "stuck_after_s" {integer}
);
comment on table "ops"."org_marks" is 'One row per org and dataset: how far it is and whether it moves.';
comment on column "ops"."org_marks"."high_water" is 'everything before is here';
comment on column "ops"."org_marks"."leading_edge" is 'newest record here';
comment on column "ops"."org_marks"."available_to" is 'the source’s own watermark';
comment on column "ops"."org_marks"."last_progress_at" is 'when either last moved';
comment on column "ops"."org_marks"."state" is 'fresh, delayed, stuck or quiet';
comment on column "ops"."org_marks"."stuck_after_s" is 'seconds without progress until it is stuck';
create table if not exists "ops"."days" (
    "day" {date},
    "revision" {integer},
    "status" {text},
    "expected_orgs" {json},
    "missing_orgs" {json},
    "complete_through" {json},
    "published_at" {instant},
    "supersedes" {integer},
    "reason" {text}
);
comment on table "ops"."days" is 'One row per publication of a UTC day; the highest revision is the present one.';
comment on column "ops"."days"."status" is 'how complete the day was when published';
comment on column "ops"."days"."expected_orgs" is 'the orgs that should be in it';
comment on column "ops"."days"."missing_orgs" is 'the orgs that are not';
comment on column "ops"."days"."complete_through" is 'per org, the instant before which nothing lacks';
comment on column "ops"."days"."supersedes" is 'the revision that this one replaces';
create table if not exists "ops"."lease" (
    "scope" {text},
    "epoch" {integer},
    "holder" {text},
    "taken_at" {instant},
    "taken_by" {text},
    "reason" {text}
);
comment on table "ops"."lease" is 'One row per scope: the site that may write it, and the epoch since which it may.';
comment on column "ops"."lease"."epoch" is 'grows at each change of holder, never goes back';
comment on column "ops"."lease"."holder" is 'the site';
comment on column "ops"."lease"."taken_by" is 'person or process';
create table if not exists "ops"."mutex" (
    "scope" {text},
    "n" {integer}
);
comment on table "ops"."mutex" is 'One row per scope; without meaning but as something to lock.';
comment on column "ops"."mutex"."n" is 'counts fenced transactions';
create table if not exists "ops"."journal" (
    "id" {text},
    "op" {text},
    "step" {text},
    "epoch" {integer},
    "site" {text},
    "actor" {text},
    "noted_at" {instant},
    "evidence" {json},
    "outcome" {text}
);
comment on table "ops"."journal" is 'One row per step of an operation on the sites. Only ever added to.';
comment on column "ops"."journal"."id" is 'of the operation';
comment on column "ops"."journal"."op" is 'switchover, failover, failback, pause';
comment on column "ops"."journal"."actor" is 'person or process';
comment on column "ops"."journal"."evidence" is 'what was seen when the step was decided';
create table if not exists "ops"."sites" (
    "site" {text},
    "role" {text},
    "code_version" {text},
    "schema_version" {integer},
    "config_hash" {text},
    "last_seen_at" {instant}
);
comment on table "ops"."sites" is 'One row per site: what it is and what it runs.';
comment on column "ops"."sites"."role" is 'active, standby, candidate, fenced, rejoining or detached';
comment on column "ops"."sites"."schema_version" is 'newest migration that its code knows';
create table if not exists "ops"."migrations" (
    "number" {integer},
    "title" {text},
    "checksum" {text},
    "applied_at" {instant}
);
comment on table "ops"."migrations" is 'One row per migration that was applied whole.';
comment on column "ops"."migrations"."checksum" is 'of the file, when it was applied';
