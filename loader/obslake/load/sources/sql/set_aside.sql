-- Tables for the records that readers set aside during a load.
--
-- Out: tables `set_aside`, `checked_files`.

create or replace temp table set_aside (
    file varchar,
    position bigint,
    column_name varchar,
    reason varchar,
    record varchar,
    record_form varchar,
    context varchar
);

-- Checked files (or parts of files) with their number of records and their columns.
create or replace temp table checked_files (file varchar, n bigint, columns varchar []);
