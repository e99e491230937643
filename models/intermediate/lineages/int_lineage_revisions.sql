-- The ordered revisions of each lineage that ran a problem in an environment, each with its predecessor.
--
-- A lineage has one order, which all its problems and environments share. So a load can change the order of revisions
-- of another problem: this is a plain table, and its rows are the version of each problem (`meta.own_version`).

{{ config(
    materialized='table',
    meta={'own_version': true},
    post_hook="{{ obslake.keep_own_versions() }}"
) }}

with

executions as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        first_executed_at,
        last_executed_at
    from {{ ref('int_run_signatures') }}
    where n_steps > 0 and not is_oracle and not is_set_aside

),

-- Implementations with the same revision of a lineage are one revision. An implementation without one is a revision of
-- its own.
implementations as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        lineage,
        revision,
        case
            when revision is null then 'implementation ' || implementation_id
            else 'revision ' || revision
        end as revision_id
    from {{ ref('int_implementations') }}
    where lineage is not null

),

executed as (

    select
        implementations.data_set_id,
        implementations.problem_id,
        implementations.lineage,
        implementations.revision_id,
        implementations.implementation_id,
        implementations.revision,
        executions.environment_id,
        executions.run_id,
        executions.first_executed_at,
        executions.last_executed_at
    from implementations
    inner join executions
        on
            implementations.data_set_id = executions.data_set_id
            and implementations.problem_id = executions.problem_id
            and implementations.implementation_id = executions.implementation_id

),

descriptions as (

    select * from {{ ref('int_revision_dates') }}

),

members as (

    select
        data_set_id,
        lineage,
        revision_id,
        implementation_id,
        min(first_executed_at) as first_executed_at
    from executed
    group by data_set_id, lineage, revision_id, implementation_id

),

-- A date counts in all problems of the data set, whichever it was given for. A description without an implementation
-- is of the revision itself.
dates as (

    select
        members.data_set_id,
        members.lineage,
        members.revision_id,
        descriptions.revised_at,
        descriptions.load_id
    from members
    inner join descriptions
        on
            members.data_set_id = descriptions.data_set_id
            and members.implementation_id = descriptions.implementation_id
    union all
    select
        data_set_id,
        lineage,
        'revision ' || revision as revision_id,
        revised_at,
        load_id
    from descriptions
    where implementation_id is null and lineage is not null and revision is not null

),

dated as (

    select
        data_set_id,
        lineage,
        revision_id,
        {{ obslake.latest_by_load('revised_at') }} as revised_at
    from dates
    group by data_set_id, lineage, revision_id

),

-- A revision without a date is as old as its first execution in any problem and environment.
aged as (

    select
        members.data_set_id,
        members.lineage,
        members.revision_id,
        coalesce(max(dated.revised_at), min(members.first_executed_at)) as revised_at,
        min(members.implementation_id) as first_implementation_id
    from members
    left join dated
        on
            members.data_set_id = dated.data_set_id
            and members.lineage = dated.lineage
            and members.revision_id = dated.revision_id
    group by members.data_set_id, members.lineage, members.revision_id

),

-- The implementation of a revision that was executed last stands for it, with its latest run.
ranked as (

    select
        *,
        min(first_executed_at) over (
            partition by data_set_id, problem_id, lineage, environment_id, implementation_id
        ) as first_executed_there_at,
        row_number() over (
            partition by data_set_id, problem_id, lineage, environment_id, revision_id
            order by last_executed_at desc, implementation_id desc, run_id desc
        ) as recency
    from executed

),

revisions as (

    select
        ranked.data_set_id,
        ranked.problem_id,
        ranked.lineage,
        ranked.environment_id,
        ranked.implementation_id,
        ranked.revision,
        aged.revised_at,
        aged.first_implementation_id,
        ranked.run_id,
        ranked.first_executed_there_at as first_executed_at,
        row_number() over (
            partition by ranked.data_set_id, ranked.problem_id, ranked.lineage, ranked.environment_id
            order by aged.revised_at asc, aged.first_implementation_id asc, ranked.revision_id asc
        ) as revision_rank
    from ranked
    inner join aged
        on
            ranked.data_set_id = aged.data_set_id
            and ranked.lineage = aged.lineage
            and ranked.revision_id = aged.revision_id
    where ranked.recency = 1

),

final as (

    select
        data_set_id,
        problem_id,
        lineage,
        environment_id,
        implementation_id,
        revision,
        revised_at,
        first_implementation_id,
        cast(revision_rank as bigint) as revision_rank,
        lag(implementation_id) over (
            partition by data_set_id, problem_id, lineage, environment_id
            order by revision_rank
        ) as previous_implementation_id,
        run_id,
        first_executed_at
    from revisions

)

select * from final
