-- LASSO arena exports: the distinct names and texts of cells, and their hashes.
--
-- In: view `source_cells` (the 16 columns as text), the macros of `zones.sql`, variable `hash_salt` when the outputs
--     are queried.
-- Out: view `cells`, macro `text_hash`, views `names`, `texts`, `equal_text_hashes`.
--
-- An export has about 100 times as many cells as texts. DuckDB evaluates a function of one column once per entry of a
-- Parquet dictionary, and joins and groups numbers several times faster than texts, so cells are joined by hashes.
-- `equal_text_hashes` counts collisions; if there are any, all texts are hashed again with another salt.

create temp view cells as
select
    executionid,
    actionid,
    abstractionid as problem_id,
    arenaid,
    sheetid,
    systemid,
    variantid,
    adapterid,
    cast(x as int) as x,
    cast(y as int) as y,
    type,
    value,
    rawvalue,
    valuetype,
    coalesce(moment(lastmodified), _obslake_time) as lastmodified,
    nullif(try_cast(executiontime as bigint), 0) as duration_ns
from source_cells;

-- A missing text has a hash as well. DuckDB's hash is the fastest, but gives many similar texts the same value, e.g.
-- mbpp_222_prob222 and mbpp_225_prob225 with the same ending. With a salt, md5 removes the similarity.
create temp macro text_hash(text) as
if(getvariable('hash_salt') is null, hash(text), hash(md5_number(getvariable('hash_salt') || text)));

create temp table different_names as
select name
from (
    select executionid as name from cells
    union
    select actionid from cells
    union
    select problem_id from cells
    union
    select arenaid from cells
    union
    select sheetid from cells
    union
    select systemid from cells
    union
    select variantid from cells
    union
    select adapterid from cells
    union
    select type from cells
);

create temp view names as
select name, text_hash(name) as name_hash
from different_names;

-- The texts of executed cells, numbered in their order from 1; a missing text has number 0.
create temp table different_texts as
select
    cast(if(text is null, 0, row_number() over (order by text nulls last)) as uinteger) as text_no,
    text
from (
    select distinct value as text from cells where y >= 0
    union
    select distinct rawvalue from cells where y >= 0 and type = 'value' and value = '_EXCEPTION_'
    union
    select distinct valuetype from cells where y >= 0 and type = 'value' and valuetype is not null
);

create temp view texts as
select text_no, text, text_hash(text) as text_hash
from different_texts;

create temp view equal_text_hashes as
select count(*) - count(distinct name_hash) as n from names
union all
select count(*) - count(distinct text_hash) from texts;
