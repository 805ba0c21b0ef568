"""Where tables are kept: one protocol, DuckDB and Snowflake behind it.

Belongs here: writing a partition in one fenced transaction, reading it back, the tables of schema
`ops`, DDL and migrations. Elsewhere: what the tables mean (each layer's tables.py), who may write
(sites/), Dagster's I/O manager (defs/).
"""
