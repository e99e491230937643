-- Recordings of the pytest plugin: their sessions, and the tests that their calls belong to.
--
-- In: table `recording_lines`, the macros of `zones.sql`, variables `data_set`, `environment` and `run`.
-- Out: views `sessions` and `known_tests`, table `test_keys`.

-- The contents of each session's end record as attributes; a killed session has no such record.
create temp view ends as
select
    session,
    map_from_entries(list_filter(
        [
            {'key': 'left_out_at_end', 'value': any_value(left_out)},
            {'key': 'failures', 'value': any_value(failures)},
            {'key': 'examples', 'value': any_value(examples)},
            {'key': 'names_the_process', 'value': any_value(names_the_process)}
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

-- Calls in tests and examples whose inputs are drawn at random in each run. `example` is a text of the arguments if
-- they have one, else a number after a #: only the latter are in this view.
create temp view drawn_calls as
with drawn_tests as (
    select
        session,
        test_id,
        coalesce(cast(attempt as int), 0) as attempt,
        any_value(seed) as seed
    from recording_lines
    where record = 'test' and drawn_by in ('random', 'numpy')
    group by all
),

calls as (
    select * replace (coalesce(cast(attempt as int), 0) as attempt)
    from recording_lines
    where record = 'call'
)

select
    calls.session,
    calls.test_id,
    calls.attempt,
    calls.example,
    cast(calls.step_id as int) as step_id,
    case when calls.example is null then drawn_tests.seed end as seed,
    sha256(cast(json_array(calls.operation, calls.target, calls.inputs) as varchar)) as stimulus,
    contains(calls.inputs, '$N/A') as has_no_text,
    list_distinct(regexp_extract_all(concat_ws(' ', calls.target, calls.inputs), '\$CUT@[^"\s]+')) as objects,
    case when starts_with(calls.output, '$CUT@') then calls.output end as made
from calls
left join drawn_tests using (session, test_id, attempt)
where starts_with(calls.example, '#') or (calls.example is null and drawn_tests.test_id is not null);

-- Drawn tests and examples are identified by the seed, else by all their inputs. Inputs without a text, and objects
-- that no step has made, cannot be compared between runs: then the run is part of the key.
create temp table test_keys as
with drawn as (
    select
        session,
        test_id,
        attempt,
        example,
        any_value(seed) as seed,
        left(sha256(string_agg(stimulus, '' order by step_id)), 16) as stimuli,
        bool_or(has_no_text) or not list_has_all(
            coalesce(list(distinct made) filter (where made is not null), []),
            list_distinct(flatten(list(objects)))
        ) as is_unknown
    from drawn_calls
    group by session, test_id, attempt, example
),

keyed as (
    select
        drawn.session,
        drawn.test_id,
        drawn.attempt,
        drawn.example,
        case
            when drawn.seed is not null then '{seed=' || drawn.seed || '}'
            when drawn.is_unknown then
                concat('{run=', coalesce(sessions.run_id, ''), '.', drawn.attempt, coalesce(drawn.example, ''), '}')
            when drawn.example is null then '{calls=' || drawn.stimuli || '}'
            else '{example=calls-' || drawn.stimuli || '}'
        end as key
    from drawn
    join sessions using (session)
)

select
    *,
    row_number() over (
        partition by session, test_id, attempt, key
        order by try_cast(ltrim(example, '#') as int)
    ) = 1 as is_first
from keyed
union all
select distinct
    session,
    test_id,
    coalesce(cast(attempt as int), 0) as attempt,
    example,
    '{example=' || example || '}' as key,
    true as is_first
from recording_lines
where record = 'call' and not starts_with(example, '#');

create temp view known_tests as
-- A killed test has a start record only.
select session, test_id, null as arguments, file
from recording_lines
where record in ('start', 'test')
union all
select
    test_keys.session,
    test_keys.test_id || test_keys.key as test_id,
    examples.arguments,
    files.file
from test_keys
left join recording_lines as examples
    on
        examples.record = 'example'
        and test_keys.session = examples.session
        and test_keys.test_id = examples.test_id
        and test_keys.attempt = coalesce(cast(examples.attempt as int), 0)
        and test_keys.example = examples.example
left join (
    select session, test_id, max(file) as file
    from recording_lines
    where record = 'test'
    group by all
) as files
    on test_keys.session = files.session and test_keys.test_id = files.test_id
where test_keys.is_first;
