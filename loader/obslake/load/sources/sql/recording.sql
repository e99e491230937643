-- Recordings of the pytest plugin: turn their lines into rows of the Iceberg tables.
--
-- In: table `recording_lines`, the macros of `protocol.sql` and `zones.sql`, views and tables of `recording_tests.sql`.
-- Out: views `loaded_observations`, `loaded_runs`, `loaded_implementations`, `loaded_tests`, all without
--      load_id, `unknown_records` and `missing_steps`.

create temp view loaded_observations as
select
    sessions.data_set_id,
    sessions.problem_id,
    calls.test_id || coalesce(test_keys.key, '') as test_id,
    cast(calls.step_id as int) as step_id,
    sessions.implementation_id,
    sessions.environment_id,
    sessions.run_id,
    coalesce(cast(calls.attempt as int), 0) as attempt,
    calls.operation,
    calls.target,
    case
        when calls.inputs is null then null
        when is_json(calls.inputs) and starts_with(ltrim(calls.inputs), '[') then calls.inputs
        else '[' || json_argument(calls.inputs) || ']'
    end as inputs,
    calls.output,
    coalesce(calls.response_kind, response_kind(calls.output)) as response_kind,
    cast(calls.duration_ns as bigint) as duration_ns,
    coalesce(moment(calls.observed_at), sessions.started_at) as observed_at,
    null::varchar as test_content_hash,
    null::varchar as alternative
from recording_lines as calls
join sessions using (session)
left join test_keys
    on
        calls.session = test_keys.session
        and calls.test_id = test_keys.test_id
        and coalesce(cast(calls.attempt as int), 0) = test_keys.attempt
        and calls.example is not distinct from test_keys.example
-- If several examples have the same inputs, the first one counts.
where calls.record = 'call' and coalesce(test_keys.is_first, true);

create temp view loaded_tests as
select
    sessions.data_set_id,
    sessions.problem_id,
    tests.test_id,
    max(tests.arguments) as stimulus_sheet,
    null::varchar as interface,
    null::varchar as language,
    null::varchar as content_hash,
    max(tests.file) as origin
from known_tests as tests
join sessions using (session)
group by sessions.data_set_id, sessions.problem_id, tests.test_id;

create temp view loaded_implementations as
select distinct
    data_set_id,
    problem_id,
    implementation_id,
    system,
    null::varchar as variant,
    null::varchar as adapter,
    lineage,
    revision,
    null::timestamptz as revised_at,
    null::varchar as content,
    null::varchar as content_hash,
    null::varchar as language,
    null::varchar as origin,
    null::varchar as licence
from sessions;

-- A run has several sessions if tests ran in several processes or for several implementations.
create temp view loaded_runs as
select
    data_set_id,
    run_id,
    environment_id,
    max(tool) as source,
    min(started_at) as started_at,
    max(git_commit) as git_commit,
    max(git_branch) as git_branch,
    max(pipeline) as pipeline,
    min_by(attributes, session) as attributes
from sessions
group by data_set_id, run_id, environment_id;

create temp view unknown_records as
select left(coalesce(record, 'null'), 60) as record, count(*) as n
from recording_lines
where coalesce(record, '') not in ('session', 'start', 'example', 'call', 'test', 'end')
group by all
order by all;

-- Sessions whose end counts more steps than there are, and how many are missing.
create temp view missing_steps as
select count(*) as n_sessions, sum(n_calls - n_found) as n_steps
from (
    select
        max(try_cast(n_calls as bigint)) as n_calls,
        count(*) filter (where record = 'call') as n_found
    from recording_lines
    group by session
)
where n_calls > n_found
having count(*) > 0;
