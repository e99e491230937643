-- Records that a load sets aside, as the readers find them.
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

-- What was checked: files (or parts of them) with their number of records, and the columns they have.
create or replace temp table checked_files (file varchar, n bigint, columns varchar []);
