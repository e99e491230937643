-- How the implementations of a problem moved between clusters, from one run, environment or revision to another. Defaults: the latest run, or the one before it if nothing else distinguishes the two sides; every environment with itself; implementations of any revision.
-- Parameters: data_set, problem, from_run, to_run, from_environment, to_environment, from_revision, to_revision

with

named as (

    select
        signatures.*,
        case
            when :from_revision is null and :to_revision is null then signatures.implementation_id
            else implementations.lineage
        end as subject_id,
        :from_revision is null or implementations.revision = :from_revision as is_from_revision,
        :to_revision is null or implementations.revision = :to_revision as is_to_revision
    from (
        select * from response_signatures
        where data_set_id = :data_set and problem_id = :problem
    ) as signatures
    left join (
        select * from implementations
        where data_set_id = :data_set and problem_id = :problem
    ) as implementations
        on
            signatures.data_set_id = implementations.data_set_id
            and signatures.problem_id = implementations.problem_id
            and signatures.implementation_id = implementations.implementation_id
    where signatures.implementation_id <> 'oracle'

),

from_columns as (

    select * from named
    where
        subject_id is not null
        and is_from_revision
        and (:from_run is null or run_id = :from_run)
        and (
            coalesce(:from_environment, :to_environment) is null
            or environment_id = coalesce(:from_environment, :to_environment)
        )

),

to_columns as (

    select * from named
    where
        subject_id is not null
        and is_to_revision
        and (:to_run is null or run_id = :to_run)
        and (
            coalesce(:to_environment, :from_environment) is null
            or environment_id = coalesce(:to_environment, :from_environment)
        )

),

-- Runs are ordered by when they first executed anything of the problem.
from_contexts as (

    select
        data_set_id,
        problem_id,
        environment_id,
        run_id,
        min(first_executed_at) as executed_at
    from from_columns
    group by data_set_id, problem_id, environment_id, run_id

),

to_contexts as (

    select
        data_set_id,
        problem_id,
        environment_id,
        run_id,
        min(first_executed_at) as executed_at,
        row_number() over (
            partition by data_set_id, problem_id, environment_id
            order by min(first_executed_at) desc, run_id desc
        ) as recency
    from to_columns
    group by data_set_id, problem_id, environment_id, run_id

),

ranked_pairs as (

    select
        to_contexts.data_set_id,
        to_contexts.problem_id,
        from_contexts.environment_id as from_environment_id,
        from_contexts.run_id as from_run_id,
        to_contexts.environment_id as to_environment_id,
        to_contexts.run_id as to_run_id,
        row_number() over (
            partition by
                to_contexts.data_set_id,
                to_contexts.problem_id,
                from_contexts.environment_id,
                to_contexts.environment_id
            order by from_contexts.executed_at desc, from_contexts.run_id desc
        ) as recency
    from to_contexts
    inner join from_contexts
        on
            to_contexts.data_set_id = from_contexts.data_set_id
            and to_contexts.problem_id = from_contexts.problem_id
            and (
                to_contexts.environment_id = from_contexts.environment_id
                or (:from_environment is not null and :to_environment is not null)
            )
    where
        to_contexts.recency = 1
        and (
            :from_run is not null
            or :from_revision is not null
            or to_contexts.environment_id <> from_contexts.environment_id
            or from_contexts.executed_at < to_contexts.executed_at
            or (from_contexts.executed_at = to_contexts.executed_at and from_contexts.run_id < to_contexts.run_id)
        )

),

pairs as (

    select * from ranked_pairs
    where recency = 1

),

-- Several implementations may be of one lineage and revision: the one that was executed last counts.
from_subjects as (

    select
        pairs.data_set_id,
        pairs.problem_id,
        pairs.from_environment_id,
        pairs.from_run_id,
        pairs.to_environment_id,
        pairs.to_run_id,
        from_columns.subject_id,
        from_columns.implementation_id,
        from_columns.signature,
        from_columns.stimuli_signature,
        row_number() over (
            partition by
                pairs.data_set_id,
                pairs.problem_id,
                pairs.from_environment_id,
                pairs.to_environment_id,
                from_columns.subject_id
            order by from_columns.first_executed_at desc, from_columns.implementation_id desc
        ) as precedence
    from pairs
    inner join from_columns
        on
            pairs.data_set_id = from_columns.data_set_id
            and pairs.problem_id = from_columns.problem_id
            and pairs.from_environment_id = from_columns.environment_id
            and pairs.from_run_id = from_columns.run_id

),

from_sized as (

    select
        *,
        count(*) over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id, signature
        ) as n_implementations,
        min(implementation_id) over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id, signature
        ) as exemplar_implementation_id
    from from_subjects
    where precedence = 1

),

from_members as (

    select
        *,
        cast(dense_rank() over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id
            order by n_implementations desc, exemplar_implementation_id asc
        ) as bigint) as cluster_rank
    from from_sized

),

-- Several implementations may be of one lineage and revision: the one that was executed last counts.
to_subjects as (

    select
        pairs.data_set_id,
        pairs.problem_id,
        pairs.from_environment_id,
        pairs.from_run_id,
        pairs.to_environment_id,
        pairs.to_run_id,
        to_columns.subject_id,
        to_columns.implementation_id,
        to_columns.signature,
        to_columns.stimuli_signature,
        row_number() over (
            partition by
                pairs.data_set_id,
                pairs.problem_id,
                pairs.from_environment_id,
                pairs.to_environment_id,
                to_columns.subject_id
            order by to_columns.first_executed_at desc, to_columns.implementation_id desc
        ) as precedence
    from pairs
    inner join to_columns
        on
            pairs.data_set_id = to_columns.data_set_id
            and pairs.problem_id = to_columns.problem_id
            and pairs.to_environment_id = to_columns.environment_id
            and pairs.to_run_id = to_columns.run_id

),

to_sized as (

    select
        *,
        count(*) over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id, signature
        ) as n_implementations,
        min(implementation_id) over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id, signature
        ) as exemplar_implementation_id
    from to_subjects
    where precedence = 1

),

to_members as (

    select
        *,
        cast(dense_rank() over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id
            order by n_implementations desc, exemplar_implementation_id asc
        ) as bigint) as cluster_rank
    from to_sized

),

compared as (

    select
        coalesce(to_members.data_set_id, from_members.data_set_id) as data_set_id,
        coalesce(to_members.problem_id, from_members.problem_id) as problem_id,
        coalesce(to_members.from_environment_id, from_members.from_environment_id) as from_environment_id,
        coalesce(to_members.to_environment_id, from_members.to_environment_id) as to_environment_id,
        coalesce(to_members.subject_id, from_members.subject_id) as subject_id,
        coalesce(to_members.from_run_id, from_members.from_run_id) as from_run_id,
        coalesce(to_members.to_run_id, from_members.to_run_id) as to_run_id,
        from_members.implementation_id as from_implementation_id,
        to_members.implementation_id as to_implementation_id,
        from_members.signature as from_cluster_id,
        to_members.signature as to_cluster_id,
        from_members.cluster_rank as from_cluster_rank,
        to_members.cluster_rank as to_cluster_rank,
        from_members.n_implementations as from_n_implementations,
        to_members.n_implementations as to_n_implementations,
        from_members.stimuli_signature = to_members.stimuli_signature as is_same_stimuli,
        case when from_members.subject_id is not null and to_members.subject_id is not null then 1 else 0 end as is_both
    from from_members
    full outer join to_members
        on
            from_members.data_set_id = to_members.data_set_id
            and from_members.problem_id = to_members.problem_id
            and from_members.from_environment_id = to_members.from_environment_id
            and from_members.to_environment_id = to_members.to_environment_id
            and from_members.subject_id = to_members.subject_id

),

-- Of those that are on both sides: who is with it before, after, and both times; itself included.
accompanied as (

    select
        *,
        sum(is_both) over (
            partition by
                data_set_id, problem_id, from_environment_id, to_environment_id, from_cluster_id, to_cluster_id
        ) as n_kept,
        sum(is_both) over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id, from_cluster_id
        ) as n_before,
        sum(is_both) over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id, to_cluster_id
        ) as n_after
    from compared

),

final as (

    select
        data_set_id,
        problem_id,
        from_environment_id,
        to_environment_id,
        subject_id,
        from_run_id,
        to_run_id,
        from_implementation_id,
        to_implementation_id,
        from_cluster_id,
        to_cluster_id,
        from_cluster_rank,
        to_cluster_rank,
        from_n_implementations,
        to_n_implementations,
        case
            when from_cluster_id is null then 'appeared'
            when to_cluster_id is null then 'disappeared'
            -- Other stimuli make another signature of the same behaviour: then company tells.
            when is_same_stimuli and from_cluster_id = to_cluster_id then 'stayed'
            when not is_same_stimuli and n_before = n_kept and n_after = n_kept then 'stayed'
            else 'moved'
        end as transition,
        is_same_stimuli,
        case when is_both = 1 then cast(n_kept - 1 as bigint) end as n_companions_kept,
        case when is_both = 1 then cast(n_before - n_kept as bigint) end as n_companions_lost,
        case when is_both = 1 then cast(n_after - n_kept as bigint) end as n_companions_gained
    from accompanied

)

select
    from_environment_id,
    to_environment_id,
    from_run_id,
    to_run_id,
    subject_id,
    transition,
    from_cluster_rank,
    to_cluster_rank,
    from_n_implementations,
    to_n_implementations,
    is_same_stimuli,
    n_companions_kept,
    n_companions_lost,
    n_companions_gained
from final
order by from_environment_id, to_environment_id, subject_id
