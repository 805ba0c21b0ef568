-- Roles of the platform in a Snowflake account: writer, analyst, operator.
--
-- Run once by an administrator (USERADMIN makes roles, SYSADMIN the database, SECURITYADMIN grants);
-- safe to repeat. Replace CONTACT_CENTER and AGGREGATION_PLATFORM if your names differ; they are
-- warehouse.snowflake.database and warehouse.snowflake.warehouse in platform.yaml.
--
--   snow sql -f aggregation_platform/warehouse/roles/snowflake_roles.sql
--
-- The operator owns the schemas and tables and changes them (`warehouse migrate`). The writer, whom
-- the platform runs as, reads and writes rows and can neither create, alter, drop nor truncate. The
-- analyst reads what has no customer's or agent's personal data: the reporting views, rollups,
-- journeys, and what the platform says about its own work. Phone numbers, participant attributes
-- and payloads (raw, facts) and e-mail addresses (directory) are the writer's and operator's alone.

use role useradmin;
create role if not exists aggregation_platform_operator
    comment = 'Owns the tables: warehouse migrate, warehouse copy';
create role if not exists aggregation_platform_writer
    comment = 'Writes rows: the platform itself';
create role if not exists aggregation_platform_analyst
    comment = 'Reads reporting, rollups, journeys and ops';

-- One service user for both sites, with a key of each: a site is shut out by unsetting its key.
create user if not exists aggregation_platform
    type = service
    default_role = aggregation_platform_writer
    default_warehouse = aggregation_platform
    comment = 'Both sites: RSA_PUBLIC_KEY is of site1, RSA_PUBLIC_KEY_2 of site2';

use role sysadmin;
create database if not exists contact_center;
create warehouse if not exists aggregation_platform
    warehouse_size = xsmall auto_suspend = 60 auto_resume = true initially_suspended = true
    comment = 'Loads and queries of the aggregation platform';

use role securityadmin;
grant role aggregation_platform_operator to role sysadmin;
grant role aggregation_platform_writer to user aggregation_platform;

grant usage, operate on warehouse aggregation_platform to role aggregation_platform_operator;
grant usage on warehouse aggregation_platform to role aggregation_platform_writer;
grant usage on warehouse aggregation_platform to role aggregation_platform_analyst;

grant usage, create schema on database contact_center to role aggregation_platform_operator;
grant usage on database contact_center to role aggregation_platform_writer;
grant usage on database contact_center to role aggregation_platform_analyst;

-- The platform signs in with the schema PUBLIC as its default, and uses none of it.
grant usage on schema contact_center.public to role aggregation_platform_operator;
grant usage on schema contact_center.public to role aggregation_platform_writer;

-- The schemas are made here, by their owner, so that what follows can name them.
grant role aggregation_platform_operator to role securityadmin;
use role aggregation_platform_operator;
create schema if not exists contact_center.raw with managed access;
create schema if not exists contact_center.directory with managed access;
create schema if not exists contact_center.facts with managed access;
create schema if not exists contact_center.identity with managed access;
create schema if not exists contact_center.journeys with managed access;
create schema if not exists contact_center.rollups with managed access;
create schema if not exists contact_center.reporting with managed access;
create schema if not exists contact_center.ops with managed access;

-- Managed access: only the schemas' owner and who manages grants can grant, whoever makes the tables.
use role securityadmin;
grant usage on all schemas in database contact_center to role aggregation_platform_writer;
grant select, insert, update, delete on all tables in database contact_center
    to role aggregation_platform_writer;
grant select on all views in database contact_center to role aggregation_platform_writer;
-- A temporary stage for each connection's files; it goes with the connection.
grant create stage on schema contact_center.ops to role aggregation_platform_writer;

grant usage on schema contact_center.reporting to role aggregation_platform_analyst;
grant usage on schema contact_center.rollups to role aggregation_platform_analyst;
grant usage on schema contact_center.journeys to role aggregation_platform_analyst;
grant usage on schema contact_center.ops to role aggregation_platform_analyst;
grant select on all tables in schema contact_center.reporting to role aggregation_platform_analyst;
grant select on all views in schema contact_center.reporting to role aggregation_platform_analyst;
grant select on all tables in schema contact_center.rollups to role aggregation_platform_analyst;
grant select on all tables in schema contact_center.journeys to role aggregation_platform_analyst;
grant select on all tables in schema contact_center.ops to role aggregation_platform_analyst;

-- What migrations bring later is granted alike; views are replaced, so theirs must be too.
grant select, insert, update, delete on future tables in database contact_center
    to role aggregation_platform_writer;
grant select on future views in database contact_center to role aggregation_platform_writer;
grant select on future tables in schema contact_center.reporting to role aggregation_platform_analyst;
grant select on future views in schema contact_center.reporting to role aggregation_platform_analyst;
grant select on future tables in schema contact_center.rollups to role aggregation_platform_analyst;
grant select on future tables in schema contact_center.journeys to role aggregation_platform_analyst;
grant select on future tables in schema contact_center.ops to role aggregation_platform_analyst;
-- Future grants on a schema take the place of those on its database, so the writer's are repeated.
grant select, insert, update, delete on future tables in schema contact_center.reporting
    to role aggregation_platform_writer;
grant select on future views in schema contact_center.reporting to role aggregation_platform_writer;
grant select, insert, update, delete on future tables in schema contact_center.rollups
    to role aggregation_platform_writer;
grant select, insert, update, delete on future tables in schema contact_center.journeys
    to role aggregation_platform_writer;
grant select, insert, update, delete on future tables in schema contact_center.ops
    to role aggregation_platform_writer;

-- By hand, once per site: openssl makes the key pair (docs/production.md), then
--   alter user aggregation_platform set rsa_public_key = '…';    -- site1
--   alter user aggregation_platform set rsa_public_key_2 = '…';  -- site2
-- and a person who is to operate or to report:
--   grant role aggregation_platform_operator to user …;
--   grant role aggregation_platform_analyst to user …;
-- and a supervisor who may see agents' names beside their ids (in SQL and in `aht`) needs, besides:
--   grant usage on schema contact_center.identity to role …;
--   grant select on view contact_center.identity.agent_names to role …;
--   grant select on table contact_center.identity.agents to role …;
