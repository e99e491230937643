-- LASSO arena exports: turn cells into rows of the Iceberg tables.
--
-- In: the outputs of `lasso_texts.sql` and `lasso_names.sql`, the macros of `protocol.sql`,
--     view `source_candidates` (one JSON document per candidate of a Solr export),
--     variable `data_set`.
-- Out: views `loaded_tests`, `loaded_implementations`, `loaded_runs`, `loaded_measurements`, all without load_id, and
--      `candidates`; for the observations, which actuations.py assembles: tables `actors`, `test_slots`,
--      `numbered_cells`, `durations`, `different_arguments` (filled there), views `hashed_test_slots`,
--      `argument_lists`, `operations`, `targets`, `answers`.

-- Older arenas append the system to the name of the sheet. It is removed, or no two implementations would share a test.
-- The oracle's rows do not name the system: it is the longest ending of the sheet's name after a `_` that is a system.
create temp view older_oracle_sheets as
select sheetid, max(length(systemid)) as system_length
from (
    select sheetid, unnest(list_transform(
        range(2, len(string_split(sheetid, '_')) + 1),
        lambda i: array_to_string(string_split(sheetid, '_')[i:], '_')
    )) as ending
    from (select distinct sheetid from sheets where older_system = 'oracle')
)
join (
    select distinct older_system as systemid from sheets where older_system not in ('oracle', 'abstraction')
) on ending = systemid
group by sheetid;

create temp table named_sheets as
select
    sheet_no,
    case
        when ends_with(sheets.sheetid, '_' || older_system)
            then left(sheets.sheetid, -1 - length(older_system))
        when system_length is not null then left(sheets.sheetid, -1 - system_length)
        else sheets.sheetid
    end as test_id
from sheets
left join older_oracle_sheets on sheets.sheetid = older_oracle_sheets.sheetid and older_system = 'oracle';

create temp table problem_sheets as
select problem_id, sheet_no, test_id, n_steps
from sheets_of_problems
join named_sheets using (sheet_no);

-- Implementations in their contexts that respond to stimuli of a problem, in the order of the table.
create temp table actors as
select
    *,
    row_number() over (order by problem_id, implementation_id, environment_id, run_id) - 1 as actor_no
from (
    select distinct problem_id, implementation_id, environment_id, run_id, systemid = 'oracle' as is_oracle
    from origins
    where systemid <> 'abstraction' and has_steps
);

create temp table problems as
select
    row_number() over (order by problem_id) - 1 as problem_no,
    problem_id,
    min(actor_no) as first_actor,
    count(*) as n_actors
from actors
group by problem_id;

-- Each possible actuation has a slot, in the order of the table: problem, test, step, actor. A step has a slot for
-- every actor of the problem, whether it was stimulated or not.
create temp table test_slots as
select
    *,
    row_number() over (order by problem_id, test_id) - 1 as test_no,
    cast(coalesce(
        sum(n_steps * n_actors) over (
            order by problem_id, test_id rows between unbounded preceding and 1 preceding
        ), 0
    ) as bigint) as first_slot
from (
    select problem_id, test_id, max(n_steps) as n_steps from problem_sheets group by problem_id, test_id
)
join problems using (problem_id)
where n_steps > 0;

create temp table origin_slots as
select
    origin_hash,
    older_system_hash,
    problem_no,
    cast(actor_no - first_actor as int) as actor
from origins
join actors using (problem_id, implementation_id, environment_id, run_id)
join problems using (problem_id)
where systemid <> 'abstraction';

set variable n_sheets = (select count(*) from sheets);

-- One small number identifies a sheet of a problem, so that DuckDB joins by array lookup.
create temp table sheet_slots as
select
    cast(problem_no * getvariable('n_sheets') + sheet_no as bigint) as sheet_of_problem,
    first_slot,
    n_actors
from problem_sheets
join test_slots using (problem_id, test_id);

-- Hashed before the joins, because the export's dictionaries are only available here.
create temp view executed_cells as
select
    origin_hash_of_texts(
        executionid, actionid, problem_id, arenaid, systemid, variantid, adapterid
    ) as origin_hash,
    text_hash(sheetid) as sheetid_hash,
    x,
    y,
    type,
    value,
    rawvalue,
    valuetype,
    duration_ns,
    epoch_us(lastmodified) as observed_at
from cells
where y >= 0;

create temp view hashed_cells as
select
    origin_hash,
    sheetid_hash,
    y,
    place_hash(text_hash(type), x) as place_hash,
    text_hash(value) as text_hash,
    duration_ns,
    observed_at
from executed_cells
union all
-- In other cells rawvalue repeats the value.
select
    origin_hash,
    sheetid_hash,
    y,
    place_hash(text_hash('exception_class'), null),
    text_hash(rawvalue),
    null,
    observed_at
from executed_cells
where type = 'value' and value = '_EXCEPTION_' and rawvalue is not null
union all
select
    origin_hash,
    sheetid_hash,
    y,
    place_hash(text_hash('valuetype'), null),
    text_hash(valuetype),
    null,
    observed_at
from executed_cells
where type = 'value' and valuetype is not null;

create temp view placed_cells as
select
    first_slot + y * n_actors + actor as slot,
    place,
    text_hash,
    duration_ns,
    observed_at
from hashed_cells
join origin_slots on hashed_cells.origin_hash = origin_slots.origin_hash
join sheets on sheet_hash = sheet_hash(sheetid_hash, if(getvariable('has_older_arenas'), older_system_hash, null))
join sheet_slots on sheet_of_problem = problem_no * getvariable('n_sheets') + sheet_no
join places on hashed_cells.place_hash = places.place_hash;

-- The executed cells as numbers, because texts need several times the memory and are slower to compare.
create temp table numbered_cells as
select slot, place, text_no, observed_at
from placed_cells
join texts on placed_cells.text_hash = texts.text_hash;

create temp table durations as
select slot, max(duration_ns) as duration_ns
from placed_cells
where duration_ns is not null and place = 0
group by slot;

-- The following views are queried for one batch of actuations at a time, with its distinct combinations of texts.
create temp table different_arguments (row_no bigint, place int, text_no uinteger);

create temp view argument_lists as
select
    -- Place 0 marks the beginning of each list.
    '[' || coalesce(string_agg(json_argument(text), ',' order by place) filter (place > 0), '') || ']' as inputs
from different_arguments
left join texts using (text_no)
group by row_no
order by row_no;

create temp table different_operations (row_no bigint, text_no uinteger);

create temp view operations as
select
    if(starts_with(text, '"'), try(json_extract_string(text, '$')), text) as operation,
    coalesce(regexp_matches(operation, '\bvoid\b[^(]*\('), false) as is_void
from different_operations
left join texts using (text_no)
order by row_no;

create temp table different_targets (row_no bigint, text_no uinteger);

create temp view targets as
select text as target
from different_targets
left join texts using (text_no)
order by row_no;

create temp table different_answers (
    row_no bigint,
    value_no uinteger,
    exception_class_no uinteger,
    valuetype_no uinteger,
    is_void uinteger,
    is_oracle uinteger,
    test_no uinteger,
    step_id uinteger
);

create temp view answers as
select
    output,
    case
        -- The arena also writes `null` if no oracle was specified.
        when is_oracle and output = 'null' then 'not_executed'
        when output = 'null' and (valuetype = 'void' or is_void) then 'void'
        else response_kind(response)
    end as response_kind
from (
    select
        row_no,
        is_oracle <> 0 as is_oracle,
        is_void <> 0 as is_void,
        valuetypes.text as valuetype,
        -- Translates the older arena's tokens to those of the protocol.
        case "values".text
            when '_INSTANCE_' then '$CUT@'
            when '_EXCEPTION_' then '$EXCEPTION@'
            when '_NOT_EXECUTED_' then '$*'
            when '_NA_' then '$N/A'
            else "values".text
        end as response,
        -- Like the newer arena, names an instance after the abstraction, so that two systems that both construct it
        -- agree.
        case "values".text
            when '_INSTANCE_' then response || problem_id || '@' || step_id
            when '_EXCEPTION_' then response || coalesce(exception_classes.text, '') || '@'
            else response
        end as output
    from different_answers
    join test_slots using (test_no)
    left join texts as "values" on value_no = "values".text_no
    left join texts as exception_classes on exception_class_no = exception_classes.text_no
    left join texts as valuetypes on valuetype_no = valuetypes.text_no
)
order by row_no;

-- The few other cells, materialized so that the cells are not all read again for each table.
create temp table other_cells as
select
    others.problem_id,
    implementation_id,
    environment_id,
    run_id,
    others.systemid,
    test_id,
    y,
    type,
    value,
    lastmodified
from (
    from cells where y < 0
    union all
    from cells where y >= 0 and systemid = 'abstraction' and type in ('stimulussheet', 'interface')
) as others
join origins
    on origin_hash = origin_hash_of_texts(
        others.executionid, others.actionid, others.problem_id, others.arenaid, others.systemid, others.variantid,
        others.adapterid
    )
join sheets on sheet_hash = sheet_hash(text_hash(others.sheetid), older_system_hash)
join named_sheets using (sheet_no);

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
from other_cells
where systemid = 'abstraction' and type in ('stimulussheet', 'interface')
group by problem_id, test_id;

create temp view hashed_test_slots as
select test_slots.*, content_hash
from test_slots
left join loaded_tests using (problem_id, test_id);

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

-- Random arena ids are not environments; they become attributes of the run, one per problem.
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
from other_cells
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
        -- Solr writes a multi-valued field as an array, here with one element.
        if(
            entry.type = 'ARRAY', json_extract_string(entry.value, '$[0]'), json_extract_string(entry.value, '$')
        ) as text
    from candidates, json_each(candidates.document) as entry
    -- A measurement needs a problem.
    where starts_with(entry.key, 'm_') and candidates.problem_id is not null
);
