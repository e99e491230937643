-- LASSO arena exports: the different names and texts of their cells, and the hashes by which cells find them.
--
-- In: view `source_cells` (the 16 columns as text), the macros of `zones.sql`, variable `hash_salt`, whenever the rest
--     is read.
-- Out: view `cells`, macro `text_hash`, views `names`, `texts`, `equal_text_hashes`.
--
-- An export has some 100 times as many cells as texts. DuckDB evaluates a function of one column once for each entry of
-- a Parquet dictionary, and joins and groups numbers several times faster than texts: so cells are known by hashes.
-- A hash stands for a text only where no other text of the export has the same. That is looked up, not believed:
-- `equal_text_hashes` counts the others, and with another salt, all texts have other hashes.

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

-- A missing text has a hash as well. DuckDB's own hash is the fastest, but gives many texts of one form the same value,
-- e.g. mbpp_222_prob222 and mbpp_225_prob225, whatever follows them. What is salted has no form.
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

-- The texts of what was executed, in their order: the greatest one has the greatest number, none has 0.
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
