-- Records of the margin before midnight, counted apart. Written from ops_tables.py.
create schema if not exists "ops";
alter table "ops"."extraction_ledger" add column if not exists "earlier" {integer};
comment on column "ops"."extraction_ledger"."earlier" is 'records that were over before the interval; null: counted as orphans then';
