-- Test reports: from what they say to the rows of the Iceberg tables.
--
-- In: the tables of `junit_tables.sql`, the macros of `protocol.sql`, variables `data_set`, `environment`, `run`,
--     `lineage`, `implementation`, `revision`, `problem` (these three may be null) and `repeats` (`cases` or
--     `attempts`).
-- Out: views `loaded_observations`, `loaded_runs`, `loaded_implementations`, `loaded_tests`, all without
--      load_id, and `junit_warnings`.

-- Seconds, in what ways people and locales write them: 1.5, 1,234.5, 1.234,5, 0,5, 1 234.5, 1.5e-05, 12ms, 2 s,
-- 00:01:02.5, 1.02:03:04; null for anything else.
create or replace temp macro plain_number(number) as
case
    when contains(number, ',') and contains(number, '.') then
        if(
            strpos(reverse(number), ',') < strpos(reverse(number), '.'),
            replace(replace(number, '.', ''), ',', '.'),
            replace(number, ',', '')
        )
    -- One comma is a decimal comma, several separate thousands.
    when length(number) - length(replace(number, ',', '')) > 1 then replace(number, ',', '')
    when length(number) - length(replace(number, '.', '')) > 1 then replace(number, '.', '')
    else replace(number, ',', '.')
end;

create or replace temp macro seconds_of_clock(clock) as
coalesce(try_cast(nullif(regexp_extract(clock, '^(\d+)\.\d+:', 1), '') as double), 0) * 86400
+ try_cast(regexp_extract(clock, '(\d+):\d\d:\d\d', 1) as double) * 3600
+ try_cast(regexp_extract(clock, ':(\d\d):', 1) as double) * 60
+ try_cast(regexp_extract(clock, ':(\d\d(\.\d+)?)$', 1) as double);

create or replace temp macro seconds(duration) as
case
    when regexp_full_match(duration, '(\d+\.)?\d+:\d\d:\d\d(\.\d+)?') then seconds_of_clock(duration)
    when regexp_full_match(duration, '[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?') then
        try_cast(plain_number(duration) as double)
    when regexp_full_match(duration, '[\d.,]*\d[\d.,]*(s|sec|secs|seconds)') then
        try_cast(plain_number(regexp_extract(duration, '^[\d.,]+')) as double)
    when regexp_full_match(duration, '[\d.,]*\d[\d.,]*ms') then
        try_cast(plain_number(regexp_extract(duration, '^[\d.,]+')) as double) / 1000
end;

-- Some tools write nanoseconds where seconds belong: no test runs a year.
create or replace temp macro plausible_seconds(duration) as
if(seconds(duration) between 0 and 31536000, seconds(duration), null);

-- A moment; where no zone is given, UTC.
create or replace temp macro parsed_moment(moment) as
coalesce(
    try_cast(regexp_replace(moment, '(:\d\d),(\d+)', '\1.\2') as timestamptz),
    try_strptime(moment, '%a, %d %b %Y %H:%M:%S %Z'),
    try_strptime(moment, '%a %b %d %H:%M:%S %Z %Y'),
    cast(try_strptime(moment, '%a %b %d %H:%M:%S %Y') as timestamptz),
    cast(try_strptime(moment, '%m/%d/%Y %H:%M:%S') as timestamptz),
    cast(try_strptime(moment, '%Y%m%dT%H%M%S') as timestamptz),
    if(regexp_full_match(moment, '\d{10}(\.\d+)?'), to_timestamp(try_cast(moment as double)), null),
    if(regexp_full_match(moment, '\d{13}'), to_timestamp(try_cast(moment as double) / 1000), null)
);

create or replace temp macro plausible_moment(moment) as
if(
    parsed_moment(moment) between timestamptz '1980-01-01 00:00:00Z' and timestamptz '2200-01-01 00:00:00Z',
    parsed_moment(moment),
    null
);

create temp view file_contexts as
select
    file_id,
    name as file_name,
    format,
    stem,
    cast(modified_at as timestamptz) as modified_at,
    coalesce(data_set, getvariable('data_set')) as data_set_id,
    coalesce(run, getvariable('run')) as run_id,
    coalesce(environment, getvariable('environment')) as environment_id,
    coalesce(revision, cast(getvariable('revision') as varchar)) as revision,
    coalesce(lineage, getvariable('lineage')) as lineage,
    coalesce(problem, cast(getvariable('problem') as varchar)) as given_problem,
    -- Where nobody says what was tested, each run stands for itself.
    coalesce(
        implementation,
        cast(getvariable('implementation') as varchar),
        revision,
        cast(getvariable('revision') as varchar),
        run,
        getvariable('run')
    ) as implementation_id
from report_files;

create temp view placed_results as
select
    contexts.*,
    position,
    attempt,
    file,
    verdict,
    message,
    time,
    timestamp,
    coalesce(given_problem, suite, classname, any_suite, stem) as problem_id,
    -- Suites that are not the problem tell cases of one name apart.
    if(given_problem is null, suite_group, concat_ws('::', suite, suite_group)) as suites,
    classname,
    coalesce(name, '(unnamed)') as name,
    -- Some reports have the class in the message only.
    coalesce(
        type,
        nullif(regexp_extract(message, '^([\w.$]*(Error|Exception|Failure|Warning|Exit)) ?: ', 1), '')
    ) as type
from (
    select results.* replace (coalesce(results.classname, classes.classname) as classname)
    from report_results as results
    left join (
        select file_id, reference, max(classname) as classname
        from report_classes
        group by file_id, reference
    ) as classes
        on results.file_id = classes.file_id and results.reference = classes.reference
)
join file_contexts as contexts using (file_id);

-- Class and name; where the name has the class already, or suites say the same in other words, only once.
create temp view named_results as
select
    *,
    concat_ws(
        '::',
        if(
            starts_with(regexp_replace(suites, '[\\/:]+', '.', 'g'), regexp_replace(classname, '[\\/:]+', '.', 'g')),
            null,
            nullif(suites, '')
        ),
        if(name = classname or starts_with(name, classname || '.'), null, classname),
        name
    ) as case_name
from placed_results;

create temp view numbered_results as
select
    *,
    case
        when getvariable('repeats') = 'cases' and repetition > 1 then case_name || '#' || repetition
        else case_name
    end as test_id,
    if(getvariable('repeats') = 'attempts', any_attempt, attempt) as attempt_id
from (
    select
        *,
        dense_rank() over (partition by file_id, problem_id, case_name order by position) as repetition,
        row_number() over (partition by file_id, problem_id, case_name order by position, attempt) - 1 as any_attempt
    from named_results
);

create temp view loaded_observations as
select
    data_set_id,
    problem_id,
    test_id,
    0 as step_id,
    implementation_id,
    environment_id,
    run_id,
    cast(attempt_id as int) as attempt,
    null::varchar as operation,
    null::varchar as target,
    null::varchar as inputs,
    output,
    response_kind(output) as response_kind,
    cast(round(plausible_seconds(regexp_replace(time, '[\s\x{00a0}\x{202f}''’]', '', 'g')) * 1e9) as bigint) as duration_ns,
    coalesce(plausible_moment(trim(timestamp)), modified_at) as observed_at
from (
    select
        *,
        case
            when verdict = 'passed' or type is null and message is null then verdict
            when verdict = 'skipped' then 'skipped@' || coalesce(message, type)
            -- The class stands before the message, so not in it again.
            else concat(
                verdict,
                '@',
                type,
                '@',
                case
                    when starts_with(message, type || ': ') then substr(message, length(type) + 3)
                    when starts_with(message, type || ' : ') then substr(message, length(type) + 4)
                    else message
                end
            )
        end as output
    from numbered_results
);

create temp view loaded_tests as
select
    data_set_id,
    problem_id,
    test_id,
    null::varchar as stimulus_sheet,
    null::varchar as interface,
    null::varchar as language,
    null::varchar as content_hash,
    max(file) as origin
from numbered_results
where file is not null
group by data_set_id, problem_id, test_id;

create temp view loaded_implementations as
select
    data_set_id,
    problem_id,
    implementation_id,
    null::varchar as system,
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
from placed_results
group by data_set_id, problem_id, implementation_id, lineage, revision;

-- A property has one value in a run, or one in each suite.
create temp view run_properties as
select data_set_id, run_id, environment_id, key, string_agg(distinct value, ',' order by value) as value
from (
    select
        data_set_id,
        run_id,
        environment_id,
        value,
        if(
            suite = '' or count(distinct value) over (
                partition by data_set_id, run_id, environment_id, report_properties.name
            ) = 1,
            report_properties.name,
            report_properties.name || ':' || suite
        ) as key
    from report_properties
    join file_contexts using (file_id)
)
group by data_set_id, run_id, environment_id, key;

create temp view loaded_runs as
select
    runs.*,
    coalesce(properties.attributes, map {}) as attributes
from (
    select
        contexts.data_set_id,
        contexts.run_id,
        contexts.environment_id,
        min(format) as source,
        min(coalesce(plausible_moment(trim(timestamp)), modified_at)) as started_at,
        -- A revision that looks like one of git is the commit; several of them are none.
        if(
            count(distinct revision) = 1 and regexp_full_match(min(revision), '[0-9a-f]{7,40}'),
            min(revision),
            null
        ) as git_commit,
        null::varchar as git_branch,
        null::varchar as pipeline
    from file_contexts as contexts
    left join report_results using (file_id)
    group by contexts.data_set_id, contexts.run_id, contexts.environment_id
) as runs
left join (
    select data_set_id, run_id, environment_id, map_from_entries(list((key, value) order by key)) as attributes
    from run_properties
    group by data_set_id, run_id, environment_id
) as properties
    on
        runs.data_set_id = properties.data_set_id
        and runs.run_id = properties.run_id
        and runs.environment_id = properties.environment_id;

create temp view junit_warnings as
select
    printf('%s: characters that XML does not allow: %d, replaced by U+FFFD', name, n_replaced) as warning
from report_files
where n_replaced > 0
union all
select
    printf('durations that are no numbers of seconds, or longer than a year: %d, left out; the first is %s', n, first)
from (
    select count(*) as n, min_by(time, (file_id, position)) as first
    from report_results
    where
        trim(time) <> ''
        and plausible_seconds(regexp_replace(time, '[\s\x{00a0}\x{202f}''’]', '', 'g')) is null
)
where n > 0
union all
select
    printf('timestamps that are not understood: %d, replaced by the time of the file; the first is %s', n, first)
from (
    select count(*) as n, min_by(timestamp, (file_id, position)) as first
    from report_results
    where trim(timestamp) <> '' and plausible_moment(trim(timestamp)) is null
)
where n > 0
union all
select
    printf(
        'cases that stand in several files of one run and environment: %d, of which only the latest counts '
        || '(tell the files apart with --path-pattern, or load them with different --run)',
        n
    )
from (
    select count(*) as n
    from (
        select 1
        from numbered_results
        group by data_set_id, problem_id, test_id, implementation_id, environment_id, run_id
        having count(distinct file_id) > 1
    )
)
where n > 0;
