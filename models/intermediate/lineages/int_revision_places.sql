-- The place of each implementation that ran a problem in the order of the revisions of its lineage.
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
        min(first_executed_at) as first_executed_at
    from {{ ref('int_run_signatures') }}
    where n_steps > 0 and not is_oracle and not is_set_aside
    group by data_set_id, problem_id, implementation_id

),

-- Implementations with the same revision of a lineage are one revision. An implementation without one is a revision of
-- its own.
executed as (

    select
        implementations.data_set_id,
        implementations.problem_id,
        implementations.lineage,
        implementations.implementation_id,
        case
            when implementations.revision is null then 'implementation ' || implementations.implementation_id
            else 'revision ' || implementations.revision
        end as revision_id,
        executions.first_executed_at
    from {{ ref('int_implementations') }} as implementations
    inner join executions
        on
            implementations.data_set_id = executions.data_set_id
            and implementations.problem_id = executions.problem_id
            and implementations.implementation_id = executions.implementation_id
    where implementations.lineage is not null

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

descriptions as (

    select * from {{ ref('int_revision_dates') }}

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

final as (

    select
        executed.data_set_id,
        executed.problem_id,
        executed.lineage,
        executed.implementation_id,
        aged.revised_at,
        aged.first_implementation_id,
        cast(dense_rank() over (
            partition by executed.data_set_id, executed.problem_id, executed.lineage
            order by aged.revised_at, aged.first_implementation_id, executed.revision_id
        ) as bigint) as place_in_problem
    from executed
    inner join aged
        on
            executed.data_set_id = aged.data_set_id
            and executed.lineage = aged.lineage
            and executed.revision_id = aged.revision_id

)

select * from final
