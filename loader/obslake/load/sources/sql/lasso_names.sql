-- LASSO arena exports: origins, sheets and places of cells, and their hashes.
--
-- In: the outputs of `lasso_texts.sql`, the macros of `protocol.sql`, variable `hash_salt`.
-- Out: tables `origins`, `sheets`, `sheets_of_problems`, `places`, view `equal_hashes`, macros `origin_hash_of_texts`,
--      `place_hash`, `sheet_hash`, variable `has_older_arenas`.

create or replace temp macro implementation_part(part) as
replace(replace(coalesce(part, ''), '%', '%25'), '_', '%5F');

create or replace temp macro is_new_arena(arenaid) as
coalesce(is_random_arena(arenaid), true);

create or replace temp macro origin_hash(executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid) as
hash(getvariable('hash_salt'), executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid);

create or replace temp macro origin_hash_of_texts(
    executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid
) as
origin_hash(
    text_hash(executionid), text_hash(actionid), text_hash(problem_id), text_hash(arenaid), text_hash(systemid),
    text_hash(variantid), text_hash(adapterid)
);

create or replace temp macro sheet_hash(sheetid, older_system) as
hash(getvariable('hash_salt'), sheetid, older_system);

create or replace temp macro place_hash(type, x) as
hash(getvariable('hash_salt'), type, x);

-- Seven columns name the origin of a cell. An export has few origins, so their ids are computed once for each.
create or replace temp table origins as
select
    executionids.name as executionid,
    actionids.name as actionid,
    problems.name as problem_id,
    arenas.name as arenaid,
    systems.name as systemid,
    variants.name as variantid,
    adapters.name as adapterid,
    has_steps,
    started_at,
    origin_hash(
        hashes.executionid, hashes.actionid, hashes.problem_id, hashes.arenaid, hashes.systemid, hashes.variantid,
        hashes.adapterid
    ) as origin_hash,
    executionids.name || '/' || actionids.name as run_id,
    is_new_arena(arenas.name) as is_new_arena,
    if(is_new_arena(arenas.name), arena_environment(), arenas.name) as environment_id,
    if(is_new_arena(arenas.name), null, hashes.systemid) as older_system_hash,
    -- The variant and adapter of the oracle and of the abstraction repeat these words. Separators in variants and
    -- adapters are escaped, or two implementations could have the same id.
    case
        when systems.name = 'oracle' then 'oracle'
        when variants.name is null and adapters.name is null then systems.name
        else systems.name || '_' || implementation_part(variants.name) || '_' || implementation_part(adapters.name)
    end as implementation_id
from (
    select
        text_hash(executionid) as executionid,
        text_hash(actionid) as actionid,
        text_hash(problem_id) as problem_id,
        text_hash(arenaid) as arenaid,
        text_hash(systemid) as systemid,
        text_hash(variantid) as variantid,
        text_hash(adapterid) as adapterid,
        max(y) >= 0 as has_steps,
        min(lastmodified) as started_at
    from cells
    group by all
) as hashes
join names as executionids on hashes.executionid = executionids.name_hash
join names as actionids on hashes.actionid = actionids.name_hash
join names as problems on hashes.problem_id = problems.name_hash
join names as arenas on hashes.arenaid = arenas.name_hash
join names as systems on hashes.systemid = systems.name_hash
join names as variants on hashes.variantid = variants.name_hash
join names as adapters on hashes.adapterid = adapters.name_hash;

-- A sheet depends on the system in older arenas only. Without any, the variable saves reading that from the cells.
set variable has_older_arenas = (select coalesce(bool_or(not is_new_arena), false) from origins);

create or replace temp table sheet_names as
select
    text_hash(problem_id) as problem_hash,
    text_hash(sheetid) as sheetid_hash,
    if(getvariable('has_older_arenas') and not is_new_arena(arenaid), text_hash(systemid), null) as older_system_hash,
    greatest(max(y) + 1::bigint, 0) as n_steps
from cells
group by all;

create or replace temp table sheets as
select
    row_number() over () - 1 as sheet_no,
    sheetids.name as sheetid,
    systems.name as older_system,
    sheet_hash(sheetid_hash, older_system_hash) as sheet_hash
from (select distinct sheetid_hash, older_system_hash from sheet_names)
join names as sheetids on sheetid_hash = sheetids.name_hash
left join names as systems on older_system_hash = systems.name_hash;

create or replace temp table sheets_of_problems as
select problems.name as problem_id, sheet_no, n_steps
from sheet_names
join names as problems on problem_hash = problems.name_hash
join sheets on sheet_hash = sheet_hash(sheetid_hash, older_system_hash);

-- Each cell of an actuation has a place: the response (0), the operation, the service, the exception class, the value
-- type, then the arguments by position. Any other cell (-1) only shows that there was an actuation.
create or replace temp table places as
select
    place_hash(text_hash(type), x) as place_hash,
    cast(case
        when type = 'value' then 0
        when type = 'op' then 1
        when type = 'service' then 2
        when type = 'input_value' then 4 + dense_rank() over (partition by type order by x)
        when x is null and type = 'exception_class' then 3
        when x is null and type = 'valuetype' then 4
        else -1
    end as int) as place
from (
    select name as type, x
    from (select distinct text_hash(type) as type_hash, x from cells where y >= 0)
    join names on type_hash = name_hash
    union all
    values ('exception_class', null), ('valuetype', null)
);

create or replace temp view equal_hashes as
select count(*) - count(distinct origin_hash) as n from origins
union all
select count(*) - count(distinct sheet_hash) from sheets
union all
select count(*) - count(distinct place_hash) from places;
