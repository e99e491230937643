-- Native observations: turn text columns into typed columns and fill in defaults.
--
-- In: view `source_rows` (the known columns of the source as text, _obslake_time, and _obslake_sample if rows are
--     samples), the macros of `protocol.sql` and `zones.sql`, variables `data_set`, `environment`, `run`,
--     `attributes` (a JSON object) and `names_are_floats` (whether numbers name the alternatives, as floats).
-- Out: views `loaded_observations`, `loaded_runs` and `loaded_implementations` (only samples), without load_id.

create temp view native_rows as
select
    null::varchar as data_set_id, null::varchar as problem_id, null::varchar as test_id,
    null::int as step_id, null::varchar as implementation_id, null::varchar as environment_id,
    null::varchar as run_id, null::int as attempt, null::varchar as operation,
    null::varchar as target, null::varchar as inputs, null::varchar as output,
    null::varchar as response_kind, null::bigint as duration_ns, null::timestamptz as observed_at,
    null::varchar as test_content_hash, null::varchar as alternative,
    null::timestamptz as _obslake_time, null::varchar as _obslake_sample
where false
union all by name
select * from source_rows;

-- The specified oracle has no samples.
create or replace temp macro sample_name(implementation_id, sample) as
implementation_id || if(sample is null or implementation_id = 'oracle', '', '#' || sample);

create temp view loaded_observations as
select
    coalesce(data_set_id, getvariable('data_set')) as data_set_id,
    problem_id,
    test_id,
    coalesce(cast(step_id as int), 0) as step_id,
    sample_name(implementation_id, _obslake_sample) as implementation_id,
    coalesce(environment_id, getvariable('environment')) as environment_id,
    coalesce(run_id, getvariable('run')) as run_id,
    coalesce(cast(attempt as int), 0) as attempt,
    operation,
    target,
    case
        when inputs is null then null
        when is_json(inputs) and starts_with(ltrim(inputs), '[') then inputs
        else '[' || json_argument(inputs) || ']'
    end as inputs,
    output,
    coalesce(response_kind, response_kind(output)) as response_kind,
    cast(duration_ns as bigint) as duration_ns,
    coalesce(moment(observed_at), _obslake_time) as observed_at,
    test_content_hash,
    nullif(if(getvariable('names_are_floats'), regexp_replace(alternative, '\.0$', ''), alternative), '') as alternative
from native_rows;

create temp view loaded_runs as
select
    data_set_id,
    run_id,
    environment_id,
    null::varchar as source,
    min(observed_at) as started_at,
    null::varchar as git_commit,
    null::varchar as git_branch,
    null::varchar as pipeline,
    -- Unknown columns with the same value in all rows are attributes of the run; null without any, so that existing
    -- attributes of the run stay.
    if(
        getvariable('attributes') = '{}', null, from_json(getvariable('attributes'), '"MAP(VARCHAR, VARCHAR)"')
    ) as attributes
from loaded_observations
group by data_set_id, run_id, environment_id;

-- A sample is a variant of the implementation that it is a sample of.
create temp view loaded_implementations as
select distinct
    coalesce(data_set_id, getvariable('data_set')) as data_set_id,
    problem_id,
    sample_name(implementation_id, _obslake_sample) as implementation_id,
    implementation_id as system,
    _obslake_sample as variant,
    null::varchar as adapter,
    null::varchar as lineage,
    null::varchar as revision,
    null::timestamptz as revised_at,
    null::varchar as content,
    null::varchar as content_hash,
    null::varchar as language,
    null::varchar as origin,
    null::varchar as licence
from native_rows
where _obslake_sample is not null and implementation_id <> 'oracle';
