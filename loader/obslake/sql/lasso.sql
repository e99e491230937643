-- LASSO arena exports: from cells to the rows of the Iceberg tables.
--
-- In: view `source_cells` (the 16 columns as text),
--     view `source_candidates` (one JSON document per candidate of a Solr export),
--     variable `data_set`.
-- Out: views `loaded_observations`, `loaded_tests`, `loaded_implementations`, `loaded_runs`,
--      `loaded_measurements`, all without load_id; the observations in parts, ordered by `actuation_no`.

create temp macro implementation_part(part) as
replace(replace(coalesce(part, ''), '%', '%25'), '_', '%5F');

create temp macro is_new_arena(arenaid) as
coalesce(arenaid is null or is_random_arena(arenaid), true);

create temp view cells as
select
    executionid,
    actionid,
    abstractionid as problem_id,
    is_new_arena(arenaid) as is_new_arena,
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
    coalesce(cast(lastmodified as timestamptz), _obslake_time) as lastmodified,
    nullif(try_cast(executiontime as bigint), 0) as duration_ns
from source_cells;

-- A cell names where it comes from in seven columns, and an export has few of these names: what they mean is worked
-- out once for each. Cells find theirs by one number; the seed is one with which no two have the same.
create temp macro origin_hash(seed, executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid) as
hash(seed, executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid);

create temp table origin_names as
select
    executionid,
    actionid,
    problem_id,
    arenaid,
    systemid,
    variantid,
    adapterid,
    max(y) >= 0 as has_steps,
    min(lastmodified) as started_at
from cells
group by executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid;

set variable origin_seed = (
    select case
        when min(seed) is not null then min(seed)
        when exists (from origin_names) then error('two origins of cells have one hash')
    end
    from (
        select
            seed,
            count(*) as names,
            count(distinct origin_hash(
                seed, executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid
            )) as hashes
        from origin_names, range(8) as seeds (seed)
        group by seed
    )
    where names = hashes
);

create temp table origins as
select
    *,
    dense_rank() over (order by problem_id) - 1 as problem_no,
    dense_rank() over (order by implementation_id, environment_id, run_id) - 1 as actor_no
from (
    select
        *,
        origin_hash(
            getvariable('origin_seed'), executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid
        ) as origin_hash,
        executionid || '/' || actionid as run_id,
        is_new_arena(arenaid) as is_new_arena,
        if(is_new_arena(arenaid), getvariable('arena_environment'), arenaid) as environment_id,
        if(is_new_arena(arenaid), null, systemid) as older_system,
        -- Variants and adapters of the oracle and of the abstraction are those words again. Neither may hold the
        -- separator, or two identities could become one.
        case
            when systemid = 'oracle' then 'oracle'
            when variantid is null and adapterid is null then systemid
            else systemid || '_' || implementation_part(variantid) || '_' || implementation_part(adapterid)
        end as implementation_id
    from origin_names
);

create temp table problems as
select distinct problem_no, problem_id from origins;

create temp table actors as
select distinct actor_no, implementation_id, environment_id, run_id, systemid = 'oracle' as is_oracle from origins;

-- Older arenas append the system to the name of the sheet, in the rows of the oracle as well, which do not name
-- it: without stripping it no two implementations would share a test. Every end of an oracle's sheet that
-- follows a `_` may be a system; the longest one that is counts.
create temp table older_sheet_names as
select distinct sheetid, systemid from cells where not is_new_arena;

create temp view older_oracle_sheets as
select sheetid, max(length(systemid)) as system_length
from (
    select sheetid, unnest(list_transform(
        range(2, len(string_split(sheetid, '_')) + 1),
        lambda i: array_to_string(string_split(sheetid, '_')[i:], '_')
    )) as ending
    from older_sheet_names
    where systemid = 'oracle'
)
join (
    select distinct systemid from older_sheet_names where systemid not in ('oracle', 'abstraction')
) on ending = systemid
group by sheetid;

-- What a sheet says depends on the system in older arenas only.
create temp table sheets as
select *, dense_rank() over (order by test_id) - 1 as test_no
from (
    select distinct sheetid, null::varchar as older_system, sheetid as test_id from cells
    union all
    select
        older_sheet_names.sheetid,
        systemid,
        case
            when ends_with(older_sheet_names.sheetid, '_' || systemid)
                then left(older_sheet_names.sheetid, -1 - length(systemid))
            when system_length is not null then left(older_sheet_names.sheetid, -1 - system_length)
            else older_sheet_names.sheetid
        end
    from older_sheet_names
    left join older_oracle_sheets
        on older_sheet_names.sheetid = older_oracle_sheets.sheetid and systemid = 'oracle'
);

create temp table older_sheets as
select * from sheets where older_system is not null;

create temp table newer_sheets as
select * from sheets where older_system is null;

create temp table tests as
select distinct test_no, test_id from sheets;

create temp view placed_cells as
select
    cells.*,
    implementation_id,
    environment_id,
    run_id,
    problem_no,
    actor_no,
    coalesce(older_sheets.test_id, newer_sheets.test_id) as test_id,
    coalesce(older_sheets.test_no, newer_sheets.test_no) as test_no
from cells
join origins
    on origins.origin_hash = origin_hash(
        getvariable('origin_seed'), cells.executionid, cells.actionid, cells.problem_id, cells.arenaid,
        cells.systemid, cells.variantid, cells.adapterid
    )
join newer_sheets on cells.sheetid = newer_sheets.sheetid
-- In newer exports there are none, and looking for them costs nothing.
left join older_sheets
    on cells.sheetid = older_sheets.sheetid and origins.older_system = older_sheets.older_system;

-- The texts of what was executed, in their order: the greatest one has the greatest number.
create temp table texts as
select
    row_number() over (order by text) as text_no,
    text,
    -- The older arena's tokens in the words of the protocol; what follows an `@` differs from step to step.
    case text
        when '_INSTANCE_' then '$CUT@'
        when '_EXCEPTION_' then '$EXCEPTION@'
        when '_NOT_EXECUTED_' then '$*'
        when '_NA_' then '$N/A'
        else text
    end as response,
    response_kind(response) as response_kind
from (
    select distinct value as text from cells where y >= 0 and value is not null
    union
    select distinct rawvalue from cells where y >= 0 and value = '_EXCEPTION_' and rawvalue is not null
    union
    select distinct valuetype from cells where y >= 0 and valuetype is not null
);

-- Actuations are numbered in the order of the table, by the numbers of their problem, test, step and actor.
set variable n_tests = (select count(*) from tests);
set variable n_steps = (select coalesce(max(y), 0) + 1 from cells);
set variable n_actors = (select count(*) from actors);

create temp view executed_cells as
select
    ((problem_no * getvariable('n_tests') + test_no) * getvariable('n_steps') + y) * getvariable('n_actors')
    + actor_no as actuation_no,
    x,
    type,
    value,
    rawvalue,
    valuetype,
    duration_ns,
    lastmodified
from placed_cells
where y >= 0 and systemid <> 'abstraction';

create temp type cell_type as enum (
    'value', 'op', 'service', 'input_value', 'exception_class', 'valuetype', 'duration_ns'
);

-- What was executed, in numbers: texts would need several times the memory, and time to compare them. Sorted, so that
-- the cells of an actuation stand together: DuckDB can spill a sort, but not all of what brings them together.
-- What only some cells say has rows of its own. An argument is its position and its text, 0 where it is missing.
create temp table step_cells as
select
    actuation_no,
    type,
    if(type = 'input_value', x * (1::bigint << 32) + coalesce(text_no, 0), text_no) as number,
    lastmodified
from (
    select
        actuation_no,
        x,
        case type
            when 'value' then 'value'::cell_type
            when 'op' then 'op'::cell_type
            when 'service' then 'service'::cell_type
            when 'input_value' then 'input_value'::cell_type
        end as type,
        value as text,
        lastmodified
    from executed_cells
    union all
    -- Elsewhere it repeats the value.
    select actuation_no, null, 'exception_class', rawvalue, lastmodified
    from executed_cells
    where type = 'value' and value = '_EXCEPTION_' and rawvalue is not null
    union all
    select actuation_no, null, 'valuetype', valuetype, lastmodified
    from executed_cells
    where type = 'value' and valuetype is not null
)
left join texts using (text)
union all
select actuation_no, 'duration_ns', duration_ns, lastmodified
from executed_cells
where type = 'value' and duration_ns is not null
order by actuation_no;

-- The loader shows one part of the actuations after the other, between two variables.
create temp view part_of_steps as
select
    actuation_no,
    actuation_no // (getvariable('n_tests') * getvariable('n_steps') * getvariable('n_actors')) as problem_no,
    actuation_no // (getvariable('n_steps') * getvariable('n_actors')) % getvariable('n_tests') as test_no,
    actuation_no // getvariable('n_actors') % getvariable('n_steps') as step_id,
    actuation_no % getvariable('n_actors') as actor_no,
    max(number) filter (type = 'value') as value_no,
    min(number) filter (type = 'value') as other_value_no,
    max(number) filter (type = 'exception_class') as exception_class_no,
    max(number) filter (type = 'valuetype') as valuetype_no,
    max(number) filter (type = 'op') as op_no,
    max(number) filter (type = 'service') as service_no,
    list(number) filter (type = 'input_value') as arguments,
    max(number) filter (type = 'duration_ns') as duration_ns,
    max(lastmodified) as observed_at
from step_cells
where actuation_no between getvariable('first_actuation') and getvariable('last_actuation')
group by actuation_no;

create temp table steps as from part_of_steps limit 0;

-- Few stimuli differ in their arguments: each list of them becomes a JSON array once.
create temp view part_of_argument_lists as
select
    arguments,
    count(*) > count(distinct argument >> 32) as is_contradictory,
    '[' || string_agg(json_argument(text), ',' order by argument) || ']' as inputs
from (
    -- An export may say a cell twice, in two files or for two systems that share the oracle.
    select arguments, unnest(list_distinct(arguments)) as argument
    from (select distinct arguments from steps)
)
left join texts on argument & 4294967295 = text_no
group by arguments;

create temp table argument_lists as from part_of_argument_lists;

create temp view named_steps as
select
    steps.*,
    problem_id,
    test_id,
    is_oracle,
    implementation_id,
    environment_id,
    run_id,
    "values".text as value,
    "values".response,
    "values".response_kind,
    exception_classes.text as exception_class,
    valuetypes.text as valuetype,
    ops.text as op,
    services.text as service,
    inputs,
    is_contradictory
from steps
join problems on steps.problem_no = problems.problem_no
join tests on steps.test_no = tests.test_no
join actors on steps.actor_no = actors.actor_no
left join texts as "values" on value_no = "values".text_no
left join texts as exception_classes on exception_class_no = exception_classes.text_no
left join texts as valuetypes on valuetype_no = valuetypes.text_no
left join texts as ops on op_no = ops.text_no
left join texts as services on service_no = services.text_no
left join argument_lists on steps.arguments = argument_lists.arguments;

-- An instance is named by the abstraction, as the newer arena does, so that two systems which both could be
-- constructed agree.
create temp view translated_steps as
select
    *,
    case
        when value_no <> other_value_no
            then error(format(
                'two responses to one stimulus: run {}, problem {}, test {}, step {}, implementation {}',
                run_id, problem_id, test_id, step_id, implementation_id
            ))
        when is_contradictory
            then error(format(
                'two values of one argument: run {}, problem {}, test {}, step {}, implementation {}',
                run_id, problem_id, test_id, step_id, implementation_id
            ))
        when value = '_INSTANCE_' then response || problem_id || '@' || step_id
        when value = '_EXCEPTION_' then response || coalesce(exception_class, '') || '@'
        else response
    end as output,
    if(starts_with(op, '"'), try(json_extract_string(op, '$')), op) as operation
from named_steps;

create temp view loaded_observations as
select
    actuation_no,
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
    if(is_oracle, null, coalesce(inputs, '[]')) as inputs,
    output,
    case
        -- `null` is also how the arena writes a cell for which no oracle was specified.
        when is_oracle and output = 'null' then 'not_executed'
        when output = 'null' and (valuetype = 'void' or regexp_matches(operation, '\bvoid\b[^(]*\(')) then 'void'
        else coalesce(response_kind, 'not_executed')
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
from origins
where systemid not in ('abstraction', 'oracle') and has_steps
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
    from origins
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
    select run_id, environment_id, executionid, actionid, min(started_at) as started_at
    from origins
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
