-- Recordings of the pytest plugin: from their lines to the rows of the Iceberg tables.
--
-- In: table `recording_lines`, the macros of `protocol.sql`, variables `data_set`, `environment` and `run`.
-- Out: views `loaded_observations`, `loaded_runs`, `loaded_implementations`, `loaded_tests`, all without
--      load_id, and `unknown_records`.

-- What each session says when it ends, as attributes; one that was killed says nothing.
create temp view ends as
select
    session,
    map_from_entries(list_filter(
        [
            {'key': 'left_out_at_end', 'value': any_value(left_out)},
            {'key': 'failures', 'value': any_value(failures)}
        ],
        lambda entry: entry.value not in ('[]', '{}')
    )) as attributes
from recording_lines
where record = 'end'
group by session;

create temp view sessions as
select
    recording_lines.session,
    coalesce(data_set_id, getvariable('data_set')) as data_set_id,
    problem_id,
    implementation_id,
    coalesce(environment_id, getvariable('environment')) as environment_id,
    coalesce(run_id, getvariable('run')) as run_id,
    tool,
    system,
    lineage,
    revision,
    coalesce(moment(started_at), source_time) as started_at,
    git_commit,
    git_branch,
    pipeline,
    map_concat(
        case
            when json_valid(recording_lines.attributes) and json_type(recording_lines.attributes) = 'OBJECT' then
                map_from_entries(list_filter(
                    map_entries(from_json(recording_lines.attributes, '"MAP(VARCHAR, VARCHAR)"')),
                    lambda entry: entry.value is not null
                ))
            else map {}
        end,
        coalesce(ends.attributes, map {})
    ) as attributes
from recording_lines
left join ends using (session)
where recording_lines.record = 'session';

create temp view loaded_observations as
select
    sessions.data_set_id,
    sessions.problem_id,
    calls.test_id,
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
    coalesce(moment(calls.observed_at), sessions.started_at) as observed_at
from recording_lines as calls
join sessions using (session)
where calls.record = 'call';

create temp view loaded_tests as
select
    sessions.data_set_id,
    sessions.problem_id,
    tests.test_id,
    null::varchar as stimulus_sheet,
    null::varchar as interface,
    null::varchar as language,
    null::varchar as content_hash,
    max(tests.file) as origin
from recording_lines as tests
join sessions using (session)
-- A test that was killed has no record of its end.
where tests.record in ('start', 'test')
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

-- One run has several sessions where tests ran in several processes, or for several implementations.
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
where coalesce(record, '') not in ('session', 'start', 'call', 'test', 'end')
group by all
order by all;
