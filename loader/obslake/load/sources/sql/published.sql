-- Rows of published observation lakehouses in their 20-column form.
--
-- In: view `source_rows` (the 20 columns as text, _obslake_time), the macros of `protocol.sql` and `zones.sql`,
--     variables `data_set`, `environment` and `run`.
-- Out: views `loaded_observations`, `loaded_runs`, `loaded_implementations`, `loaded_tests`, `loaded_measurements`, all
--      without load_id.

create temp view published_rows as
select
    coalesce(data_set_id, getvariable('data_set')) as data_set_id,
    problem_id,
    test_id,
    coalesce(cast(step_id as int), 0) as step_id,
    -- The flag specified_oracle decides, whatever implementation the row names.
    if(coalesce(lower(specified_oracle) = 'true', false), 'oracle', implementation_id) as implementation_id,
    case
        when environment_id is null then getvariable('environment')
        when is_random_arena(environment_id) then arena_environment()
        else environment_id
    end as environment_id,
    if(is_random_arena(environment_id), environment_id, null) as arena_id,
    coalesce(run_id, getvariable('run')) as run_id,
    coalesce(moment(created_at), _obslake_time) as observed_at,
    operation,
    inputs,
    output,
    try_cast(round(cast(execution_time_ms as double) * 1e6) as bigint) as duration_ns,
    test_hash,
    implementation_hash,
    memory_used_mb,
    branch_coverage_percent,
    git_commit_hash,
    ci_pipeline_id,
    researcher_name
from source_rows;

create temp view loaded_observations as
select
    data_set_id,
    problem_id,
    test_id,
    step_id,
    implementation_id,
    environment_id,
    run_id,
    0 as attempt,
    operation,
    null::varchar as target,
    -- The published form joins arguments by commas and cannot be split: the text becomes one argument.
    '[' || cast(to_json(inputs) as varchar) || ']' as inputs,
    output,
    -- As in the arena exports that these rows come from, `null` means that no oracle was specified.
    if(implementation_id = 'oracle' and output = 'null', 'not_executed', response_kind(output)) as response_kind,
    duration_ns,
    observed_at,
    test_hash as test_content_hash,
    null::varchar as alternative
from published_rows;

create temp view loaded_tests as
select
    data_set_id,
    problem_id,
    test_id,
    null::varchar as stimulus_sheet,
    null::varchar as interface,
    null::varchar as language,
    max(test_hash) as content_hash,
    null::varchar as origin
from published_rows
where test_hash is not null
group by data_set_id, problem_id, test_id;

create temp view loaded_implementations as
select
    data_set_id,
    problem_id,
    implementation_id,
    null::varchar as system,
    null::varchar as variant,
    null::varchar as adapter,
    null::varchar as lineage,
    null::varchar as revision,
    null::timestamptz as revised_at,
    null::varchar as content,
    max(implementation_hash) as content_hash,
    null::varchar as language,
    null::varchar as origin,
    null::varchar as licence
from published_rows
where implementation_hash is not null and implementation_id <> 'oracle'
group by data_set_id, problem_id, implementation_id;

create temp view arena_attributes as
select
    data_set_id,
    run_id,
    environment_id,
    map_from_entries(list(('arena_id:' || problem_id, arena_ids) order by problem_id)) as attributes
from (
    select
        data_set_id,
        run_id,
        environment_id,
        problem_id,
        string_agg(distinct arena_id, ',' order by arena_id) as arena_ids
    from published_rows
    where arena_id is not null
    group by data_set_id, run_id, environment_id, problem_id
)
group by data_set_id, run_id, environment_id;

create temp view loaded_runs as
select
    runs.data_set_id,
    runs.run_id,
    runs.environment_id,
    'published' as source,
    runs.started_at,
    runs.git_commit,
    null::varchar as git_branch,
    runs.pipeline,
    map_concat(
        coalesce(arena_attributes.attributes, map {}),
        if(runs.researcher is null, map {}, map {'researcher_name': runs.researcher})
    ) as attributes
from (
    select
        data_set_id,
        run_id,
        environment_id,
        min(observed_at) as started_at,
        max(git_commit_hash) as git_commit,
        max(ci_pipeline_id) as pipeline,
        max(researcher_name) as researcher
    from published_rows
    group by data_set_id, run_id, environment_id
) as runs
left join arena_attributes
    on
        runs.data_set_id = arena_attributes.data_set_id
        and runs.run_id = arena_attributes.run_id
        and runs.environment_id = arena_attributes.environment_id;

create temp view loaded_measurements as
select
    data_set_id,
    problem_id,
    'implementation' as subject_kind,
    implementation_id as subject_id,
    test_id || '#' || step_id as scope,
    environment_id,
    run_id,
    metric,
    try_cast(measured as double) as value,
    if(try_cast(measured as double) is null, measured, null) as value_text,
    unit,
    observed_at as measured_at
from (
    select *, 'memory_used_mb' as metric, memory_used_mb as measured, 'MB' as unit from published_rows
    union all
    select *, 'branch_coverage_percent', branch_coverage_percent, '%' from published_rows
)
where measured is not null;
