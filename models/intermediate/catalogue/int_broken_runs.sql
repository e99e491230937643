-- Runs in which most tests failed alike, unlike in the runs before and after them: something else than the code under
-- test was broken.
--
-- Sound runs have no candidates, and cost only the counts and the places.

{{ config(materialized='ephemeral') }}

{%- set subject = ['data_set_id', 'subject_id', 'environment_id'] %}
{%- set of_failure = 'over (partition by ' ~ (subject + ['failure']) | join(', ') ~ ' order by place)' %}

with

run_failures as (

    select * from {{ obslake.relation_without_database(ref('int_run_failures')) }}
    where n_tests > 0

),

lineages as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        {{ obslake.latest_by_load('lineage') }} as lineage
    from {{ obslake.relation_without_database(ref('stg_implementations')) }}
    where implementation_id is not null and lineage is not null
    group by data_set_id, problem_id, implementation_id

),

-- A lineage is judged as a whole: each of its runs may have executed another revision.
failures as (

    select
        run_failures.data_set_id,
        case
            when lineages.lineage is null then 'implementation ' || run_failures.implementation_id
            else 'lineage ' || lineages.lineage
        end as subject_id,
        run_failures.environment_id,
        run_failures.run_id,
        run_failures.failure,
        sum(run_failures.n_tests) as n_tests,
        min(run_failures.first_executed_at) as first_executed_at
    from run_failures
    left join lineages
        on {{ obslake.equal_columns(
            'run_failures', 'lineages', ['data_set_id', 'problem_id', 'implementation_id']
        ) | indent(12) }}
    group by
        run_failures.data_set_id,
        case
            when lineages.lineage is null then 'implementation ' || run_failures.implementation_id
            else 'lineage ' || lineages.lineage
        end,
        run_failures.environment_id,
        run_failures.run_id,
        run_failures.failure

),

counted as (

    select
        *,
        sum(n_tests) over (partition by {{ subject | join(', ') }}, run_id) as n_tests_of_run,
        min(first_executed_at) over (partition by {{ subject | join(', ') }}, run_id) as run_began_at
    from failures

),

judged as (

    select
        *,
        case when failure <> '' and 2 * n_tests > n_tests_of_run then 1 else 0 end as is_alike,
        case
            when
                failure <> '' and 2 * n_tests > n_tests_of_run
                and n_tests_of_run >= 10 and run_began_at > {{ obslake.unknown_time() }}
                then 1
            else 0
        end as is_candidate,
        case when run_began_at > {{ obslake.unknown_time() }} then 1 else 0 end as is_placed
    from counted

),

-- The order of runs with unknown times is unknown. All steps get the runs from here, without joins: each step repeats
-- the ones before it where an engine does not materialize a result that is used twice.
placed as (

    select
        {{ subject | join(',\n        ') }},
        run_id,
        failure,
        n_tests as n_alike,
        n_tests_of_run as n_tests,
        is_candidate,
        max(is_alike) over (partition by {{ subject | join(', ') }}, run_id) as is_alike_run,
        max(is_candidate) over (partition by {{ subject | join(', ') }}) as is_subject,
        is_placed,
        dense_rank() over (
            partition by {{ subject | join(', ') }}, is_placed
            order by run_began_at, run_id
        ) as place
    from judged

),

candidates as (

    select * from placed
    where is_candidate = 1

),

placed_runs as (

    select distinct
        {{ subject | join(',\n        ') }},
        run_id,
        n_tests,
        place
    from placed
    where is_subject = 1 and is_placed = 1

),

placed_failures as (

    select
        *,
        lag(place) {{ of_failure }} as last_place,
        lag(n_tests) {{ of_failure }} as last_n_tests,
        lag(n_alike) {{ of_failure }} as last_n_alike
    from candidates

),

-- What always fails is a candidate in every run, and is compared with the run before it at once.
placed_candidates as (

    select * from placed_failures
    where
        not coalesce(
            last_place = place - 1
            and 2 * last_n_tests > n_tests
            and 2 * (n_alike - last_n_alike - greatest(n_tests - last_n_tests, 0)) <= n_tests,
            false
        )

),

-- Runs of no more than half of the tests, such as those of failed tests only, say nothing about most of them.
neighbours as (

    select
        {% for column in subject -%}
            candidates.{{ column }},
        {% endfor -%}
        candidates.place,
        max(case when others.place < candidates.place then others.place end) as place_before,
        min(case when others.place > candidates.place then others.place end) as place_after
    from placed_candidates as candidates
    inner join placed_runs as others
        on
            {{ obslake.equal_columns('candidates', 'others', subject) | indent(12) }}
            and 2 * others.n_tests > candidates.n_tests
    group by candidates.{{ subject | join(', candidates.') }}, candidates.place

),

compared as (

    select
        candidates.*,
        runs_before.run_id as run_before,
        runs_after.run_id as run_after,
        coalesce(failures_before.n_tests, 0) as n_alike_before,
        coalesce(failures_after.n_tests, 0) as n_alike_after,
        greatest(candidates.n_tests - runs_before.n_tests, 0) as n_more_than_before,
        greatest(candidates.n_tests - runs_after.n_tests, 0) as n_more_than_after
    from placed_candidates as candidates
    inner join neighbours
        on {{ obslake.equal_columns('candidates', 'neighbours', subject + ['place']) | indent(12) }}
    {% for side in ['before', 'after'] -%}
        left join placed_runs as runs_{{ side }}
            on
                {{ obslake.equal_columns('candidates', 'runs_' ~ side, subject) | indent(16) }}
                and neighbours.place_{{ side }} = runs_{{ side }}.place
        left join failures as failures_{{ side }}
            on
                {{ obslake.equal_columns('runs_' ~ side, 'failures_' ~ side, subject + ['run_id']) | indent(16) }}
                and candidates.failure = failures_{{ side }}.failure
    {% endfor %}

),

broken_subjects as (

    select * from compared
    where
        run_before is not null
        and 2 * (n_alike - n_alike_before - n_more_than_before) > n_tests
        and (run_after is null or 2 * (n_alike - n_alike_after - n_more_than_after) > n_tests)

),

-- Tests that fail alike in any case, or for the first time, do not tell whether the run is sound.
whole_runs as (

    select
        data_set_id,
        run_id,
        environment_id,
        sum(n_alike) as n_tests,
        sum(case when is_alike_run = 0 then n_alike else 0 end) as n_sound
    from placed
    group by data_set_id, run_id, environment_id

),

broken_runs as (

    select
        data_set_id,
        run_id,
        environment_id,
        failure,
        sum(n_alike) as n_alike,
        max(case when run_after is null then 1 else 0 end) = 1 as is_last,
        sum(sum(n_tests)) over (partition by data_set_id, run_id, environment_id) as n_broken,
        row_number() over (
            partition by data_set_id, run_id, environment_id
            order by sum(n_alike) desc, failure asc
        ) as precedence
    from broken_subjects
    group by data_set_id, run_id, environment_id, failure

),

final as (

    select
        broken_runs.data_set_id,
        broken_runs.run_id,
        broken_runs.environment_id,
        concat(
            cast(broken_runs.n_alike as string), ' of ', cast(whole_runs.n_tests as string), ' tests fail alike (',
            coalesce(nullif(split_part(broken_runs.failure, '@', 2), ''), split_part(broken_runs.failure, '@', 1)),
            '), unlike in the run before', case when broken_runs.is_last then '' else ' and the run after' end
        ) as reason
    from broken_runs
    inner join whole_runs
        on {{ obslake.equal_columns('broken_runs', 'whole_runs', ['data_set_id', 'run_id', 'environment_id']) }}
    where broken_runs.precedence = 1 and broken_runs.n_broken > whole_runs.n_sound

)

select * from final
