-- Test reports: turn their contents into rows of the Iceberg tables.
--
-- In: the tables of `junit_tables.sql`, the macros of `protocol.sql`, `zones.sql` and `moments.sql`, variables
--     `data_set`, `environment`, `run`, `lineage`, `implementation`, `revision`, `problem`, `repeats` (cases or
--     attempts), `environment_from`, and the regular expressions `strip` and `test_name`. Variables of unused
--     options are null.
-- Out: views `loaded_observations`, `loaded_runs`, `loaded_implementations`, `loaded_tests`, all without
--      load_id, and `junit_warnings`.

-- Seconds as tools and locales write them: 1.5, 1,234.5, 1.234,5, 0,5, 1 234.5, 1.5e-05, 12ms, 2 s, 00:01:02.5,
-- 1.02:03:04; null for anything else.
create or replace temp macro plain_number(number) as
case
    when contains(number, ',') and contains(number, '.') then
        if(
            strpos(reverse(number), ',') < strpos(reverse(number), '.'),
            replace(replace(number, '.', ''), ',', '.'),
            replace(number, ',', '')
        )
    -- A single comma is a decimal comma; several commas separate thousands.
    when length(number) - length(replace(number, ',', '')) > 1 then replace(number, ',', '')
    when length(number) - length(replace(number, '.', '')) > 1 then replace(number, '.', '')
    else replace(number, ',', '.')
end;

create or replace temp macro seconds_of_clock(clock) as
coalesce(try_cast(nullif(regexp_extract(clock, '^(\d+)\.\d+:', 1), '') as double), 0) * 86400
+ try_cast(regexp_extract(clock, '(\d+):\d\d:\d\d', 1) as double) * 3600
+ try_cast(regexp_extract(clock, ':(\d\d):', 1) as double) * 60
+ try_cast(regexp_extract(clock, ':(\d\d(\.\d+)?)$', 1) as double);

-- Some tools write nanoseconds instead of seconds: durations of more than a year are not plausible.
create temp table seconds_of_cases as
select time, if(seconds between 0 and 31536000, seconds, null) as seconds
from (
    -- In nested queries, because macros and their arguments are expanded at each mention.
    select
        time,
        case
            when regexp_full_match(duration, '(\d+\.)?\d+:\d\d:\d\d(\.\d+)?') then seconds_of_clock(duration)
            else try_cast(plain_number(number) as double) / if(ends_with(duration, 'ms'), 1000, 1)
        end as seconds
    from (
        select
            time,
            duration,
            case
                when regexp_full_match(duration, '[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?') then duration
                when regexp_full_match(duration, '[\d.,]*\d[\d.,]*(ms|s|sec|secs|seconds)') then
                    regexp_extract(duration, '^[\d.,]+')
            end as number
        from (
            select time, regexp_replace(time, '[\s\x{00a0}\x{202f}''’]', '', 'g') as duration
            from (select distinct time from report_results where trim(time) <> '')
        )
    )
);

create temp table moments as
select
    moment,
    if(
        parsed between timestamptz '1980-01-01 00:00:00Z' and timestamptz '2200-01-01 00:00:00Z', parsed, null
    ) as began_at,
    -- Tools write such timestamps if there is none.
    parsed is not null and parsed < timestamptz '1980-01-01 00:00:00Z' as is_none
from (
    -- Null if it cannot be parsed.
    select moment, cast(moment_in_utc(without_zone(orderly)) - to_seconds(zone_seconds(zone)) as timestamptz) as parsed
    from (
        -- In nested queries, because macros and their arguments are expanded at each mention.
        select moment, orderly, written_zone(orderly) as zone
        from (
            select moment, orderly_moment(moment) as orderly
            from (
                select timestamp as moment from report_results where trim(timestamp) <> ''
                union
                select suite_timestamp from report_results where trim(suite_timestamp) <> ''
            )
        )
    )
);

-- A name without the matches of --strip.
create or replace temp macro stripped(text) as
if(
    getvariable('strip') is null,
    text,
    nullif(trim(regexp_replace(text, cast(getvariable('strip') as varchar), '', 'g')), '')
);

-- A name with points as its only separators.
create or replace temp macro dotted(text) as regexp_replace(text, '[\\/:]+', '.', 'g');

-- The match of --test-name in a name: its first group, else the whole match, else the whole name.
create or replace temp macro found_in_name(name, part) as
nullif(trim(regexp_extract(name, cast(getvariable('test_name') as varchar), part)), '');

create or replace temp macro named_part(name) as
if(getvariable('test_name') is null, name, coalesce(found_in_name(name, 1), found_in_name(name, 0), name));

-- The browser or the like that executed a suite is part of the environment.
create or replace temp macro environment_with(environment, project) as
case
    when project is null then environment
    when environment = 'default' then project
    else environment || '/' || project
end;

create temp view file_contexts as
select
    file_id,
    name as file_name,
    format,
    stripped(stem) as stem,
    cast(modified_at as timestamptz) as modified_at,
    coalesce(data_set, getvariable('data_set')) as data_set_id,
    coalesce(run, getvariable('run')) as run_id,
    coalesce(environment, getvariable('environment')) as environment_id,
    coalesce(revision, cast(getvariable('revision') as varchar)) as revision,
    coalesce(lineage, getvariable('lineage')) as lineage,
    coalesce(problem, cast(getvariable('problem') as varchar)) as given_problem,
    branch,
    -- If nothing names the tested implementation, each run is its own implementation.
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
    contexts.* exclude (environment_id),
    environment_with(contexts.environment_id, suites.project) as environment_id,
    position,
    attempt,
    is_outside,
    suite_number,
    concat_ws(', ', suites.label, if(contains(suites.label, file_label), null, file_label)) as label,
    suites.host_label,
    suites.version_label,
    file,
    verdict,
    message,
    time,
    timestamp,
    suite_timestamp,
    coalesce(given_problem, suite, classname, any_suite, stem, file_name) as problem_id,
    suite,
    suite_group,
    classname,
    coalesce(results.name, '(unnamed)') as name,
    -- Some reports have the class only in the message.
    coalesce(
        type,
        nullif(regexp_extract(message, '^([\w.$]*(Error|Exception|Failure|Warning|Exit)) ?: ', 1), '')
    ) as type
from (
    select
        results.* replace (
            stripped(results.suite) as suite,
            stripped(results.suite_group) as suite_group,
            stripped(results.any_suite) as any_suite,
            stripped(coalesce(results.classname, classes.classname)) as classname,
            stripped(results.name) as name
        )
    from report_results as results
    left join (
        select file_id, reference, max(classname) as classname
        from report_classes
        group by file_id, reference
    ) as classes
        on results.file_id = classes.file_id and results.reference = classes.reference
) as results
join file_contexts as contexts using (file_id)
left join report_suites as suites using (file_id, suite_number);

-- If the user names the problem, several suites are part of the names of their cases. A single suite is replaced by
-- the problem.
create temp view suites_of_given_problems as
select data_set_id, given_problem, run_id, environment_id, min(suite) <> max(suite) as are_several
from placed_results
where given_problem is not null
group by data_set_id, given_problem, run_id, environment_id;

-- Suites, class and name, joined. Parts that repeat another part are left out: suites that are the class, as often as
-- they are nested, and then at most the beginning of the name, as in the suites that PHPUnit makes for a method.
create temp table named_results as
select
    results.* exclude (name, suite, suite_group),
    concat_ws(
        '::',
        if(
            starts_with(dotted(suites) || '.', dotted(results.classname) || '.')
            and starts_with(
                dotted(name),
                rtrim(replace(dotted(suites) || '.', dotted(results.classname) || '.', ''), '.')
            ),
            null,
            nullif(suites, '')
        ),
        if(
            name = results.classname
            or starts_with(name, results.classname || '.')
            or starts_with(name, results.classname || '('),
            null,
            results.classname
        ),
        name
    ) as whole_name,
    named_part(whole_name) as case_name
from (
    select
        placed.* replace (
            if(
                is_outside = 1 and given.are_several is not null and not given.are_several and classname = suite,
                placed.given_problem,
                classname
            ) as classname
        ),
        if(given.are_several, concat_ws('::', suite, suite_group), suite_group) as suites
    from placed_results as placed
    left join suites_of_given_problems as given
        on
            placed.data_set_id = given.data_set_id
            and placed.given_problem = given.given_problem
            and placed.run_id = given.run_id
            and placed.environment_id = given.environment_id
) as results;

-- Cases with one name in several suites get the labels of their suites if these differ.
create temp view told_apart as
select
    results.* replace (
        case
            when files.are_labelled and label <> '' then printf('%s [%s]', case_name, label)
            else case_name
        end as case_name
    ),
    case_name as plain_name
from named_results as results
left join (
    select data_set_id, problem_id, case_name, implementation_id, run_id, environment_id, true as are_labelled
    from named_results
    group by data_set_id, problem_id, case_name, implementation_id, run_id, environment_id
    having
        min(file_id) * 4294967296 + min(suite_number) <> max(file_id) * 4294967296 + max(suite_number)
        and min(label) <> max(label)
) as files
    using (data_set_id, problem_id, case_name, implementation_id, run_id, environment_id);

-- Hosts and versions distinguish suites only within one report, because they differ in every run.
create temp table labelled_results as
select
    results.* replace (
        case
            when inside.have_hosts and host_label is not null then printf('%s [%s]', case_name, host_label)
            when inside.have_versions and version_label is not null then printf('%s [%s]', case_name, version_label)
            else case_name
        end as case_name
    )
from told_apart as results
left join (
    select
        file_id,
        problem_id,
        case_name,
        environment_id,
        min(coalesce(host_label, '')) <> max(coalesce(host_label, '')) as have_hosts,
        min(coalesce(version_label, '')) <> max(coalesce(version_label, '')) as have_versions
    from told_apart
    group by file_id, problem_id, case_name, environment_id
    having min(suite_number) <> max(suite_number)
) as inside
    using (file_id, problem_id, case_name, environment_id);

-- Names that already look numbered: the numbers added below have more # signs than any of them.
create temp view numbers_in_names as
select data_set_id, problem_id, rtrim(start, '#') as start, max(length(start) - length(rtrim(start, '#'))) as n_signs
from (
    select data_set_id, problem_id, regexp_extract(case_name, '(?s)^(.*#)\d+$', 1) as start
    from labelled_results
    where regexp_matches(case_name, '#\d+$')
)
group by data_set_id, problem_id, rtrim(start, '#');

create temp table numbered_results as
select
    numbered.* exclude (n_signs),
    case
        when getvariable('repeats') = 'cases' and repetition > 1 then
            case_name || repeat('#', coalesce(n_signs, 0) + 1) || repetition
        else case_name
    end as test_id,
    if(getvariable('repeats') = 'attempts', any_attempt, attempt) as attempt_id
from (
    select
        results.*,
        n_signs,
        dense_rank() over case_names as repetition,
        row_number() over attempts - 1 as any_attempt
    from labelled_results as results
    left join numbers_in_names as numbers
        on
            results.data_set_id = numbers.data_set_id
            and results.problem_id = numbers.problem_id
            and rtrim(results.case_name, '#') = numbers.start
    window
        case_names as (
            partition by file_id, results.problem_id, environment_id, case_name order by is_outside, position
        ),
        attempts as (
            partition by file_id, results.problem_id, environment_id, case_name
            order by is_outside, position, attempt
        )
) as numbered;

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
    cast(round(seconds * 1e9) as bigint) as duration_ns,
    coalesce(began.began_at, suite_began.began_at, modified_at) as observed_at,
    null::varchar as test_content_hash,
    null::varchar as alternative
from (
    select
        *,
        case
            when verdict = 'timeout' then '$TIMEOUT'
            when verdict = 'crash' then '$CRASH'
            when verdict = 'other' then '$STATUS@' || message
            when verdict = 'passed' or type is null and message is null then verdict
            when verdict = 'skipped' then 'skipped@' || coalesce(message, type)
            -- The class precedes the message and is not repeated in it.
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
) as results
left join seconds_of_cases on results.time = seconds_of_cases.time
left join moments as began on results.timestamp = began.moment
left join moments as suite_began on results.suite_timestamp = suite_began.moment;

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
from numbered_results
group by data_set_id, problem_id, implementation_id, lineage, revision;

-- The next tables are small, and read by several views.
create temp table file_environments as
select file_id, environment_id from numbered_results group by file_id, environment_id
union
select file_id, environment_id
from file_contexts
where file_id not in (select file_id from numbered_results);

-- A property of a suite without cases of its own applies to all environments of the report.
create temp table placed_properties as
select contexts.data_set_id, contexts.run_id, environments.environment_id, properties.suite, properties.name, value
from (
    select
        written.*,
        environment_with(contexts.environment_id, suites.project) as environment_id
    from report_properties as written
    join file_contexts as contexts using (file_id)
    left join report_suites as suites using (file_id, suite_number)
) as properties
join file_contexts as contexts using (file_id)
join file_environments as environments
    on
        properties.file_id = environments.file_id
        and (
            properties.environment_id = environments.environment_id
            or (properties.file_id, properties.environment_id) not in (
                select (file_id, environment_id) from file_environments
            )
        );

-- A property has one value per run, or one per suite.
create temp view run_properties as
select data_set_id, run_id, environment_id, key, string_agg(distinct value, ',' order by value) as value
from (
    select
        data_set_id,
        run_id,
        environment_id,
        value,
        if(
            suite = '' or count(distinct value) over (partition by data_set_id, run_id, environment_id, name) = 1,
            name,
            name || ':' || suite
        ) as key
    from placed_properties
)
group by data_set_id, run_id, environment_id, key;

-- The names of tools for the branch and the commit, the most reliable first.
create or replace temp macro rank_of_branch(name) as
nullif(list_position(
    [
        'gitbranch', 'branch', 'branchname', 'githubheadref', 'changebranch', 'cicommitbranch', 'cicommitrefname',
        'buildsourcebranchname', 'circlebranch', 'travispullrequestbranch', 'travisbranch', 'buildkitebranch',
        'bitbucketbranch', 'appveyorrepobranch', 'vcsbranch', 'scmbranch', 'githubrefname', 'gitbranchname',
        'buildbranch', 'sourcebranch', 'refname'
    ],
    regexp_replace(regexp_replace(lower(name), '^env[._]', ''), '[^a-z]', '', 'g')
), 0);

create or replace temp macro rank_of_commit(name) as
nullif(list_position(
    [
        'gitcommit', 'gitcommitid', 'commit', 'commitid', 'commitsha', 'commithash', 'gitsha', 'githash', 'gitrevision',
        'githubsha', 'cicommitsha', 'buildsourceversion', 'circlesha', 'traviscommit', 'buildkitecommit',
        'bitbucketcommit', 'appveyorrepocommit', 'vcsrevision', 'scmrevision', 'sha', 'revision'
    ],
    regexp_replace(regexp_replace(lower(name), '^env[._]', ''), '[^a-z]', '', 'g')
), 0);

-- Properties with several values are ignored.
create temp view run_origins as
select
    data_set_id,
    run_id,
    environment_id,
    min_by(value, branch_rank) filter (where branch_rank is not null) as git_branch,
    min_by(lower(value), commit_rank) filter (
        where commit_rank is not null and regexp_full_match(lower(value), '[0-9a-f]{7,40}')
    ) as git_commit
from (
    select
        data_set_id,
        run_id,
        environment_id,
        rank_of_branch(name) as branch_rank,
        rank_of_commit(name) as commit_rank,
        min(trim(value)) as value
    from placed_properties
    where trim(value) <> '' and coalesce(rank_of_branch(name), rank_of_commit(name)) is not null
    group by data_set_id, run_id, environment_id, name
    having count(distinct trim(value)) = 1
)
group by data_set_id, run_id, environment_id;

create temp view loaded_runs as
select
    runs.* exclude (revised_commit, path_branch),
    coalesce(runs.revised_commit, origins.git_commit) as git_commit,
    coalesce(runs.path_branch, origins.git_branch) as git_branch,
    null::varchar as pipeline,
    coalesce(properties.attributes, map {}) as attributes
from (
    select
        contexts.data_set_id,
        contexts.run_id,
        environments.environment_id,
        min(format) as source,
        min(coalesce(began.began_at, suite_began.began_at, modified_at)) as started_at,
        -- A single revision that looks like a git commit is the commit.
        if(
            count(distinct revision) = 1 and regexp_full_match(min(revision), '[0-9a-f]{7,40}'),
            min(revision),
            null
        ) as revised_commit,
        if(count(distinct branch) = 1, min(branch), null) as path_branch
    from file_contexts as contexts
    join file_environments as environments using (file_id)
    left join (
        select distinct file_id, environment_id, timestamp, suite_timestamp from numbered_results
    ) as results
        on contexts.file_id = results.file_id and environments.environment_id = results.environment_id
    left join moments as began on results.timestamp = began.moment
    left join moments as suite_began on results.suite_timestamp = suite_began.moment
    group by contexts.data_set_id, contexts.run_id, environments.environment_id
) as runs
left join run_origins as origins using (data_set_id, run_id, environment_id)
left join (
    select data_set_id, run_id, environment_id, map_from_entries(list((key, value) order by key)) as attributes
    from run_properties
    group by data_set_id, run_id, environment_id
) as properties
    using (data_set_id, run_id, environment_id);

create temp view junit_warnings as
select
    printf(
        'run %s in %s has files of %d branches, %s and others, so the path does not say its '
        || 'branch: give each branch runs of its own',
        contexts.run_id,
        environments.environment_id,
        count(distinct contexts.branch),
        min(contexts.branch)
    ) as warning
from file_contexts as contexts
join file_environments as environments using (file_id)
group by contexts.data_set_id, contexts.run_id, environments.environment_id
having count(distinct contexts.branch) > 1
union all
select
    printf('%s: characters that XML does not allow: %d, replaced by U+FFFD', name, n_replaced) as warning
from report_files
where n_replaced > 0
union all
select
    printf('durations that are not in seconds, or longer than a year: %d, left out; the first is %s', n, first)
from (
    select count(*) as n, min_by(time, (file_id, position)) as first
    from report_results
    where time in (select time from seconds_of_cases where seconds is null)
)
where n > 0
union all
select
    printf(
        'timestamps that cannot be parsed: %d, replaced by the time of the %s; the first is %s',
        n,
        instead,
        first
    )
from (
    select
        if(suite_began.began_at is null, 'file', 'suite') as instead,
        count(*) as n,
        min_by(coalesce(nullif(trim(timestamp), ''), suite_timestamp), (file_id, position)) as first
    from numbered_results as results
    left join moments as began on results.timestamp = began.moment
    left join moments as suite_began on results.suite_timestamp = suite_began.moment
    where
        began.began_at is null
        and (
            trim(timestamp) <> '' and not (coalesce(began.is_none, false) and suite_began.began_at is not null)
            or trim(suite_timestamp) <> '' and suite_began.began_at is null
        )
    group by instead
)
union all
select
    printf('timestamps with ambiguous day and month: %d, read with the month first; the first is %s', n, first)
from (
    select count(*) as n, min(moment) as first
    from moments
    where began_at is not null and is_ambiguous_moment(moment)
)
where n > 0
union all
select printf('reports without test cases: %d: %s', n, names)
from (
    select
        count(*) as n,
        array_to_string(list(name order by file_id)[:3], ', ') || if(count(*) > 3, ' …', '') as names
    from report_files
    where n_cases = 0 and file_id not in (select file_id from report_results)
)
where n > 0
union all
select
    printf(
        '%s outside cases: %d, kept as %s named after their place (setup, teardown, suite); the first is %s',
        if(verdict = 'error', 'errors', 'skipped suites'),
        count(*),
        if(verdict = 'error', 'errors', 'cases'),
        min_by(test_id, (file_id, position))
    )
from numbered_results
where is_outside = 1
group by verdict
union all
select
    printf(
        'failures and errors that suites count, but the report does not contain: %d; the first are in %s',
        n,
        first
    )
from (
    select
        sum(unexplained) as n,
        min_by(concat_ws(': ', files.name, suites.name), (file_id, suite_number)) as first
    from report_suites as suites
    join report_files as files using (file_id)
    where unexplained > 0
)
where n > 0
union all
select printf('cases that suites count, but the report does not contain: %d; the first are in %s', n, first)
from (
    select
        sum(missing) as n,
        min_by(concat_ws(': ', files.name, suites.name), (file_id, suite_number)) as first
    from report_suites as suites
    join report_files as files using (file_id)
    where missing > 0
)
where n > 0
union all
select
    printf(
        'unknown status words: %d, kept as $STATUS, which is not a vote: %s',
        n,
        array_to_string(words[:5], ', ') || if(len(words) > 5, ' …', '')
    )
from (
    select sum(n) as n, list(printf('%s (%d)', word, n) order by n desc, word) as words
    from (
        select message as word, count(*) as n
        from report_results
        where verdict = 'other'
        group by message
    )
)
where n > 0
union all
select
    printf(
        'suite names with a time, a version or an id of the run: %d, which is removed (--keep-names keeps it); '
        || 'the first is %s, read as %s',
        n,
        written,
        coalesce(nullif(name, ''), 'no name')
    )
from (
    select
        count(*) as n,
        min_by(written, (file_id, suite_number)) as written,
        min_by(coalesce(name, ''), (file_id, suite_number)) as name
    from (
        select file_id, suite_number, written, name
        from report_suites
        where written is not null
        union all
        select results.file_id, 0, written_stem, stem
        from (select distinct file_id, problem_id from numbered_results) as results
        join report_files as files using (file_id)
        where written_stem <> coalesce(stem, '') and problem_id = coalesce(stem, name)
    )
)
where n > 0
union all
select
    printf(
        'suites that name a browser, a device or a project, which becomes their environment: %d: %s%s',
        n,
        array_to_string(projects[:5], ', '),
        if(len(projects) > 5, ' …', '')
    )
from (
    select count(*) as n, list(distinct project order by project) as projects
    from report_suites
    where project is not null
)
where n > 0
union all
select
    printf(
        'cases with the same name in several suites: %d, told apart by differences of their suites; the first is %s',
        n,
        first
    )
from (
    select count(*) as n, min(test_id) as first
    from numbered_results
    where case_name <> plain_name
)
where n > 0
union all
select
    printf(
        'cases of one report that have the same name and nothing to tell them apart: %d, numbered in their order, '
        || 'so that another order renames them (--repeats attempts makes them attempts at one case); the first is %s',
        n,
        first
    )
from (
    select count(distinct (file_id, problem_id, test_id)) as n, min_by(test_id, (file_id, position)) as first
    from numbered_results
    where getvariable('repeats') = 'cases' and repetition > 1
)
where n > 0
union all
select
    printf(
        '--environment-from %s: no suite has a usable attribute or property with this name',
        getvariable('environment_from')
    )
where
    getvariable('environment_from') is not null
    and not exists (select 1 from report_suites where project is not null)
union all
select printf('names without a match of --test-name: %d, left unchanged; the first is %s', n, first)
from (
    select count(distinct whole_name) as n, min(whole_name) as first
    from named_results
    where not regexp_matches(whole_name, cast(getvariable('test_name') as varchar))
)
where getvariable('test_name') is not null and n > 0;
