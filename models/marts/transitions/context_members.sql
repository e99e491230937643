-- Clusters of the subjects that answered alike in a context, which is one run of a problem in one environment. Subjects
-- are all implementations, or the lineages that were executed, in any revision or in a given one.

{% set context = 'data_set_id, problem_id, environment_id, run_id, followed_by, revision_id' -%}

with

signatures as (

    select
        signatures.*,
        implementations.lineage,
        implementations.revision
    from {{ obslake.relation_without_database(ref('response_signatures')) }} as signatures
    left join {{ obslake.relation_without_database(ref('implementations')) }} as implementations
        on
            signatures.data_set_id = implementations.data_set_id
            and signatures.problem_id = implementations.problem_id
            and signatures.implementation_id = implementations.implementation_id
    where signatures.implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

ways as (

    select 'implementation' as followed_by
    union all
    select 'lineage' as followed_by
    union all
    select 'revision' as followed_by

),

subjects as (

    select
        signatures.*,
        ways.followed_by,
        case when ways.followed_by = 'revision' then signatures.revision else '' end as revision_id,
        case
            when ways.followed_by = 'implementation' then signatures.implementation_id
            else signatures.lineage
        end as subject_id
    from signatures
    cross join ways

),

ranked as (

    select
        *,
        min(first_executed_at) over (
            partition by {{ context }}
        ) as executed_at,
        row_number() over (
            partition by {{ context }}, subject_id
            order by first_executed_at desc, implementation_id desc
        ) as precedence
    from subjects
    where subject_id is not null and revision_id is not null

),

-- A lineage and revision may have several implementations. The one that was executed last counts.
sized as (

    select
        *,
        count(*) over (
            partition by {{ context }}, signature
        ) as n_implementations,
        min(implementation_id) over (
            partition by {{ context }}, signature
        ) as exemplar_implementation_id
    from ranked
    where precedence = 1

),

members as (

    select
        data_set_id,
        problem_id,
        environment_id,
        run_id,
        followed_by,
        revision_id,
        subject_id,
        implementation_id,
        signature as cluster_id,
        stimuli_signature,
        n_steps,
        n_implementations,
        cast(dense_rank() over (
            partition by {{ context }}
            order by n_implementations desc, exemplar_implementation_id asc
        ) as bigint) as cluster_rank,
        is_set_aside,
        executed_at,
        row_number() over (
            partition by {{ context }}
            order by subject_id asc
        ) = 1 as stands_for_context
    from sized

),

-- Runs are ordered by their first execution of the problem. One that is set aside has no place, but runs before it.
placed as (

    select
        *,
        cast(sum(case when stands_for_context and not is_set_aside then 1 else 0 end) over (
            partition by data_set_id, problem_id, environment_id, followed_by, revision_id
            order by executed_at desc, run_id desc
        ) as bigint) as place
    from members

),

-- Columns, because the engine cannot apply a condition with a sum early.
final as (

    select
        data_set_id,
        problem_id,
        environment_id,
        run_id,
        followed_by,
        revision_id,
        subject_id,
        implementation_id,
        cluster_id,
        stimuli_signature,
        n_steps,
        n_implementations,
        cluster_rank,
        case when not is_set_aside then place end as recency,
        stands_for_context,
        place + 1 as recency_before
    from placed

)

select * from final
