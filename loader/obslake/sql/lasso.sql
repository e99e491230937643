-- LASSO arena exports: from cells to the rows of the Iceberg tables.
--
-- In: view `source_cells` (the 16 columns as text, with any of the optional ones missing),
--     view `source_candidates` (one JSON document per candidate of a Solr export),
--     variable `data_set`.
-- Out: views `loaded_observations`, `loaded_tests`, `loaded_implementations`, `loaded_runs`,
--      `loaded_measurements`, all without load_id.

create temp macro implementation_part(part) as
replace(replace(coalesce(part, ''), '%', '%25'), '_', '%5F');

create temp view cells as
select
    executionid || '/' || actionid as run_id,
    executionid,
    actionid,
    abstractionid as problem_id,
    coalesce(arenaid is null or is_random_arena(arenaid), true) as is_new_arena,
    arenaid,
    sheetid,
    systemid,
    -- Variants and adapters of the oracle and of the abstraction are those words again. Neither may hold the
    -- separator, or two identities could become one.
    case
        when systemid = 'oracle' then 'oracle'
        when variantid is null and adapterid is null then systemid
        else systemid || '_' || implementation_part(variantid) || '_' || implementation_part(adapterid)
    end as implementation_id,
    variantid,
    adapterid,
    cast(x as int) as x,
    cast(y as int) as y,
    type,
    value,
    rawvalue,
    valuetype,
    coalesce(cast(lastmodified as timestamptz), _obslake_time) as lastmodified,
    nullif(try_cast(executiontime as bigint), 0) as duration_ns
from (
    select
        null::varchar as executionid, null::varchar as abstractionid, null::varchar as actionid,
        null::varchar as arenaid, null::varchar as sheetid, null::varchar as systemid,
        null::varchar as variantid, null::varchar as adapterid, null::int as x, null::int as y,
        null::varchar as type, null::varchar as value, null::varchar as rawvalue,
        null::varchar as valuetype, null::timestamptz as lastmodified, null::bigint as executiontime,
        null::timestamptz as _obslake_time
    where false
    union all by name
    select * from source_cells
);

-- Older arenas append the system to the name of the sheet, in the rows of the oracle as well, which do not name
-- it: without stripping it no two implementations would share a test. Every end of an oracle's sheet that
-- follows a `_` may be a system; the longest one that is counts.
create temp view older_oracle_sheets as
select sheetid, max(length(systemid)) as system_length
from (
    select sheetid, unnest(list_transform(
        range(2, len(string_split(sheetid, '_')) + 1),
        lambda i: array_to_string(string_split(sheetid, '_')[i:], '_')
    )) as ending
    from (select distinct sheetid from cells where not is_new_arena and systemid = 'oracle')
)
join (
    select distinct systemid from cells where not is_new_arena and systemid not in ('oracle', 'abstraction')
) on ending = systemid
group by sheetid;

create temp view placed_cells as
select
    cells.*,
    if(is_new_arena, getvariable('arena_environment'), arenaid) as environment_id,
    case
        when is_new_arena then cells.sheetid
        when ends_with(cells.sheetid, '_' || systemid) then left(cells.sheetid, -1 - length(systemid))
        when system_length is not null then left(cells.sheetid, -1 - system_length)
        else cells.sheetid
    end as test_id
from cells
left join older_oracle_sheets
    on cells.sheetid = older_oracle_sheets.sheetid and systemid = 'oracle' and not is_new_arena;

-- What was executed. A large export is split here: the loader
-- then shows one part of these rows after the other under the same name.
create temp view step_cells as
select
    run_id,
    problem_id,
    environment_id,
    test_id,
    y as step_id,
    systemid = 'oracle' as is_oracle,
    implementation_id,
    x,
    type,
    value,
    -- Elsewhere it repeats the value.
    if(value = '_EXCEPTION_', rawvalue, null) as exception_class,
    valuetype,
    duration_ns,
    lastmodified
from placed_cells
where y >= 0 and systemid <> 'abstraction';

create temp view steps as
select
    run_id,
    problem_id,
    environment_id,
    test_id,
    step_id,
    is_oracle,
    implementation_id,
    max(value) filter (type = 'value') as value,
    min(value) filter (type = 'value') as other_value,
    max(exception_class) filter (type = 'value') as exception_class,
    max(valuetype) filter (type = 'value') as valuetype,
    max(value) filter (type = 'op') as op,
    max(value) filter (type = 'service') as service,
    -- An export may say a cell twice, in two files or for two systems that share the oracle.
    list_distinct(list({'x': x, 'value': value}) filter (type = 'input_value')) as arguments,
    max(duration_ns) filter (type = 'value') as duration_ns,
    max(lastmodified) as observed_at
from step_cells
group by run_id, problem_id, environment_id, test_id, step_id, is_oracle, implementation_id;

-- The older arena's tokens in the words of the protocol. An instance is named by the abstraction, as the
-- newer arena does, so that two systems which both could be constructed agree.
create temp view translated_steps as
select
    * exclude (value, other_value, op),
    case
        when value <> other_value
            then error(format(
                'two responses to one stimulus: run {}, problem {}, test {}, step {}, implementation {}',
                run_id, problem_id, test_id, step_id, implementation_id
            ))
        when len(arguments) > len(list_distinct(list_transform(arguments, lambda a: a.x)))
            then error(format(
                'two values of one argument: run {}, problem {}, test {}, step {}, implementation {}',
                run_id, problem_id, test_id, step_id, implementation_id
            ))
        when value = '_INSTANCE_' then '$CUT@' || problem_id || '@' || step_id
        when value = '_EXCEPTION_' then '$EXCEPTION@' || coalesce(exception_class, '') || '@'
        when value = '_NOT_EXECUTED_' then '$*'
        when value = '_NA_' then '$N/A'
        else value
    end as output,
    if(starts_with(op, '"'), try(json_extract_string(op, '$')), op) as operation
from steps;

create temp view loaded_observations as
select
    getvariable('data_set') as data_set_id,
    problem_id,
    test_id,
    step_id,
    implementation_id,
    environment_id,
    run_id,
    0 as attempt,
    operation,
    service as target,
    if(is_oracle, null, '[' || array_to_string(
        list_transform(list_sort(coalesce(arguments, [])), lambda a: json_argument(a.value)), ','
    ) || ']') as inputs,
    output,
    case
        -- `null` is also how the arena writes a cell for which no oracle was specified.
        when is_oracle and output = 'null' then 'not_executed'
        when output = 'null' and (valuetype = 'void' or regexp_matches(operation, '\bvoid\b[^(]*\(')) then 'void'
        else response_kind(output)
    end as response_kind,
    duration_ns,
    observed_at
from translated_steps;

create temp view loaded_tests as
select
    getvariable('data_set') as data_set_id,
    problem_id,
    test_id,
    max(value) filter (type = 'stimulussheet') as stimulus_sheet,
    max(value) filter (type = 'interface') as interface,
    null::varchar as language,
    sha256(max(value) filter (type = 'stimulussheet')) as content_hash,
    'lasso' as origin
from placed_cells
where systemid = 'abstraction' and type in ('stimulussheet', 'interface')
group by problem_id, test_id;

create temp view candidates as
select
    json_extract_string(document, '$.id') as system,
    unnest(case
        when json_array_length(document, '$.abstractionId') > 0
            then json_extract_string(document, '$.abstractionId[*]')
        else [json_value(document, '$.abstractionId') ->> '$']
    end) as problem_id,
    json_extract_string(document, '$.content') as content,
    json_extract_string(document, '$.lang') as language,
    document
from source_candidates
where json_extract_string(document, '$.id') is not null;

create temp view loaded_implementations as
select
    getvariable('data_set') as data_set_id,
    problem_id,
    implementation_id,
    systemid as system,
    variantid as variant,
    adapterid as adapter,
    null::varchar as lineage,
    null::varchar as revision,
    null::timestamptz as revised_at,
    null::varchar as content,
    null::varchar as content_hash,
    null::varchar as language,
    null::varchar as origin,
    null::varchar as licence
from placed_cells
where systemid not in ('abstraction', 'oracle') and y >= 0
group by problem_id, implementation_id, systemid, variantid, adapterid
union all
select
    getvariable('data_set'),
    problem_id,
    null,
    system,
    null,
    null,
    null,
    null,
    null,
    content,
    sha256(content),
    language,
    null,
    null
from candidates;

-- The random arena ids are no environment, but they are kept: one attribute for each problem of the run.
create temp view arena_attributes as
select
    run_id,
    environment_id,
    map_from_entries(list(('arena_id:' || problem_id, arena_ids) order by problem_id)) as attributes
from (
    select run_id, environment_id, problem_id, string_agg(distinct arenaid, ',' order by arenaid) as arena_ids
    from placed_cells
    where is_new_arena and arenaid is not null
    group by run_id, environment_id, problem_id
)
group by run_id, environment_id;

create temp view loaded_runs as
select
    getvariable('data_set') as data_set_id,
    runs.run_id,
    runs.environment_id,
    'lasso' as source,
    runs.started_at,
    null::varchar as git_commit,
    null::varchar as git_branch,
    null::varchar as pipeline,
    map_concat(
        map {'execution_id': runs.executionid, 'action_id': runs.actionid},
        coalesce(arena_attributes.attributes, map {})
    ) as attributes
from (
    select run_id, environment_id, executionid, actionid, min(lastmodified) as started_at
    from placed_cells
    group by run_id, environment_id, executionid, actionid
) as runs
left join arena_attributes
    on runs.run_id = arena_attributes.run_id and runs.environment_id = arena_attributes.environment_id;

create temp view loaded_measurements as
select
    getvariable('data_set') as data_set_id,
    problem_id,
    if(systemid = 'abstraction', 'problem', 'implementation') as subject_kind,
    if(systemid = 'abstraction', problem_id, implementation_id) as subject_id,
    test_id as scope,
    environment_id,
    run_id,
    type as metric,
    try_cast(value as double) as value,
    if(try_cast(value as double) is null, value, null) as value_text,
    null::varchar as unit,
    lastmodified as measured_at
from placed_cells
where y < 0 and not (systemid = 'abstraction' and type in ('stimulussheet', 'interface'))
union all
select
    getvariable('data_set'),
    problem_id,
    'system',
    system,
    null,
    null,
    null,
    metric,
    try_cast(text as double),
    if(try_cast(text as double) is null, text, null),
    null,
    null
from (
    select
        candidates.problem_id,
        candidates.system,
        entry.key as metric,
        -- Solr writes a multi-valued field as an array, of one element here.
        if(entry.type = 'ARRAY', json_extract_string(entry.value, '$[0]'), json_extract_string(entry.value, '$')) as text
    from candidates, json_each(candidates.document) as entry
    -- A measurement belongs to a problem.
    where starts_with(entry.key, 'm_') and candidates.problem_id is not null
);
