-- How many answers the implementations of a problem kept, and which of them were alike before and after, from one run, environment or revision to another. Defaults: the latest run, or the one before it if nothing else distinguishes the two sides; every environment with itself; implementations of any revision.
-- Parameters: data_set, problem, from_run, to_run, from_environment, to_environment, from_revision, to_revision

with

 context_members as (
-- Clusters of the subjects that answered alike in a context, which is one run of a problem in one environment. Subjects
-- are all implementations, or the lineages that were executed, in any revision or in a given one.

with

signatures as (

    select
        signatures.*,
        implementations.lineage,
        implementations.revision
    from response_signatures as signatures
    left join implementations as implementations
        on
            signatures.data_set_id = implementations.data_set_id
            and signatures.problem_id = implementations.problem_id
            and signatures.implementation_id = implementations.implementation_id
    where signatures.implementation_id <> 'oracle'

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
            partition by data_set_id, problem_id, environment_id, run_id, followed_by, revision_id
        ) as executed_at,
        row_number() over (
            partition by data_set_id, problem_id, environment_id, run_id, followed_by, revision_id, subject_id
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
            partition by data_set_id, problem_id, environment_id, run_id, followed_by, revision_id, signature
        ) as n_implementations,
        min(implementation_id) over (
            partition by data_set_id, problem_id, environment_id, run_id, followed_by, revision_id, signature
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
            partition by data_set_id, problem_id, environment_id, run_id, followed_by, revision_id
            order by n_implementations desc, exemplar_implementation_id asc
        ) as bigint) as cluster_rank,
        is_set_aside,
        executed_at,
        row_number() over (
            partition by data_set_id, problem_id, environment_id, run_id, followed_by, revision_id
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
),  context_transitions as (
-- How the answers of subjects, and their clusters, differ between any two contexts of a problem. Queries must select a
-- few pairs: the engine applies a condition on the columns that name a pair before it compares.

with

members as (

    select * from context_members

),

-- The answers to the stimuli that both contexts executed, compared one by one. Equal signatures need no comparison.
compared_answers as (

    select
        from_side.data_set_id,
        from_side.problem_id,
        from_side.environment_id as from_environment_id,
            to_side.environment_id as to_environment_id,
        from_side.run_id as from_run_id,
            to_side.run_id as to_run_id,
        from_side.followed_by as from_followed_by,
            to_side.followed_by as to_followed_by,
        from_side.revision_id as from_revision_id,
            to_side.revision_id as to_revision_id,
        from_side.recency as from_recency,
            to_side.recency as to_recency,
        from_side.recency_before as from_recency_before,
            to_side.recency_before as to_recency_before,
        from_side.subject_id,
        from_answer.test_id,
        from_answer.step_id,
        case when from_answer.response_hash = to_answer.response_hash then 1 else 0 end as is_kept,
        case when case
                when from_answer.test_content_hash = to_answer.test_content_hash then true
                when from_answer.inputs is not null and to_answer.inputs is not null then from_answer.inputs = to_answer.inputs
                else from_answer.test_content_hash is null or to_answer.test_content_hash is null
            end then 0 else 1 end as is_edited
    from members as from_side
    inner join members as to_side
        on
            from_side.data_set_id = to_side.data_set_id
            and from_side.problem_id = to_side.problem_id
            and from_side.subject_id = to_side.subject_id
            and from_side.cluster_id <> to_side.cluster_id
    inner join stimulus_response_cube as from_answer
        on
            from_side.data_set_id = from_answer.data_set_id
            and from_side.problem_id = from_answer.problem_id
            and from_side.implementation_id = from_answer.implementation_id
            and from_side.environment_id = from_answer.environment_id
            and from_side.run_id = from_answer.run_id
            and from_answer.is_final
    inner join stimulus_response_cube as to_answer
        on
            to_side.data_set_id = to_answer.data_set_id
            and to_side.problem_id = to_answer.problem_id
            and to_side.implementation_id = to_answer.implementation_id
            and to_side.environment_id = to_answer.environment_id
            and to_side.run_id = to_answer.run_id
            and from_answer.test_id = to_answer.test_id
            and from_answer.step_id = to_answer.step_id
            and to_answer.is_final

),

-- The state of the objects under test depends on all steps before.
placed_answers as (

    select
        *,
        max(is_edited) over (
            partition by data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before, subject_id, test_id
            order by step_id
            rows between unbounded preceding and current row
        ) as is_after_edit
    from compared_answers

),

-- Different answers to a step that was edited cannot be compared.
answers as (

    select * from placed_answers
    where is_kept = 1 or is_after_edit = 0

),

paired as (

    select
            from_side.data_set_id,
            from_side.problem_id,
            from_side.environment_id as from_environment_id,
                to_side.environment_id as to_environment_id,
            from_side.run_id as from_run_id,
                to_side.run_id as to_run_id,
            from_side.followed_by as from_followed_by,
                to_side.followed_by as to_followed_by,
            from_side.revision_id as from_revision_id,
                to_side.revision_id as to_revision_id,
            from_side.recency as from_recency,
                to_side.recency as to_recency,
            from_side.recency_before as from_recency_before,
                to_side.recency_before as to_recency_before,
            from_side.subject_id,
            'from' as side,
            from_side.implementation_id, from_side.cluster_id, from_side.stimuli_signature, from_side.n_steps, from_side.n_implementations, from_side.cluster_rank,
            0 as n_common_stimuli,
            0 as n_answers_kept
        from members as from_side
        inner join members as to_side
            on
                from_side.data_set_id = to_side.data_set_id
                and from_side.problem_id = to_side.problem_id
                and to_side.stands_for_context
        union all
    select
            to_side.data_set_id,
            to_side.problem_id,
            from_side.environment_id as from_environment_id,
                to_side.environment_id as to_environment_id,
            from_side.run_id as from_run_id,
                to_side.run_id as to_run_id,
            from_side.followed_by as from_followed_by,
                to_side.followed_by as to_followed_by,
            from_side.revision_id as from_revision_id,
                to_side.revision_id as to_revision_id,
            from_side.recency as from_recency,
                to_side.recency as to_recency,
            from_side.recency_before as from_recency_before,
                to_side.recency_before as to_recency_before,
            to_side.subject_id,
            'to' as side,
            to_side.implementation_id, to_side.cluster_id, to_side.stimuli_signature, to_side.n_steps, to_side.n_implementations, to_side.cluster_rank,
            0 as n_common_stimuli,
            0 as n_answers_kept
        from members as to_side
        inner join members as from_side
            on
                to_side.data_set_id = from_side.data_set_id
                and to_side.problem_id = from_side.problem_id
                and from_side.stands_for_context
        union all
    -- In the same list instead of a join, so that conditions on the pair reach these rows, too.
    select
        data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before,
        subject_id,
        null as side,
        null as implementation_id,
        null as cluster_id,
        null as stimuli_signature,
        null as n_steps,
        null as n_implementations,
        null as cluster_rank,
        count(*) as n_common_stimuli,
        sum(is_kept) as n_answers_kept
    from answers
    group by data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before, subject_id

),

compared as (

    select
        data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before,
        subject_id,
        max(case when side = 'from' then implementation_id end) as from_implementation_id,
            max(case when side = 'to' then implementation_id end) as to_implementation_id,
        max(case when side = 'from' then cluster_id end) as from_cluster_id,
            max(case when side = 'to' then cluster_id end) as to_cluster_id,
        max(case when side = 'from' then stimuli_signature end) as from_stimuli_signature,
            max(case when side = 'to' then stimuli_signature end) as to_stimuli_signature,
        max(case when side = 'from' then n_steps end) as from_n_steps,
            max(case when side = 'to' then n_steps end) as to_n_steps,
        max(case when side = 'from' then n_implementations end) as from_n_implementations,
            max(case when side = 'to' then n_implementations end) as to_n_implementations,
        max(case when side = 'from' then cluster_rank end) as from_cluster_rank,
            max(case when side = 'to' then cluster_rank end) as to_cluster_rank,
        sum(n_common_stimuli) as n_common_stimuli,
        sum(n_answers_kept) as n_answers_kept,
        count(distinct side) - 1 as is_both
    from paired
    group by data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before, subject_id

),

-- The numbers of subjects in both contexts, itself included, that were in its cluster before, after, and both times.
accompanied as (

    select
        *,
        from_stimuli_signature = to_stimuli_signature as is_same_stimuli,
        from_cluster_id = to_cluster_id as is_same_behavior,
        sum(is_both) over (partition by data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before, from_cluster_id, to_cluster_id) as n_kept,
        sum(is_both) over (partition by data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before, from_cluster_id) as n_before,
        sum(is_both) over (partition by data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before, to_cluster_id) as n_after
    from compared

),

counted as (

    select
        data_set_id, problem_id, from_environment_id, to_environment_id, from_run_id, to_run_id, from_followed_by, to_followed_by, from_revision_id, to_revision_id, from_recency, to_recency, from_recency_before, to_recency_before,
        subject_id,
        from_implementation_id,
        to_implementation_id,
        from_cluster_id,
        to_cluster_id,
        from_cluster_rank,
        to_cluster_rank,
        from_n_implementations,
        to_n_implementations,
        is_same_stimuli,
        case
            when is_same_behavior then from_n_steps
            when is_both = 1 then cast(n_common_stimuli as bigint)
        end as n_common_stimuli,
        case
            when is_same_behavior then from_n_steps
            when is_both = 1 then cast(n_answers_kept as bigint)
        end as n_answers_kept,
        case when is_both = 1 then cast(n_kept - 1 as bigint) end as n_companions_kept,
        case when is_both = 1 then cast(n_before - n_kept as bigint) end as n_companions_lost,
        case when is_both = 1 then cast(n_after - n_kept as bigint) end as n_companions_gained
    from accompanied

),

final as (

    select
        *,
        case
            when from_cluster_id is null then 'appeared'
            when to_cluster_id is null then 'disappeared'
            when n_answers_kept < n_common_stimuli then 'moved'
            when n_common_stimuli > 0 then 'stayed'
        end as transition,
        case
            when n_common_stimuli > 0 then n_answers_kept / cast(n_common_stimuli as double)
        end as answers_kept_share
    from counted

)

select * from final
), known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null
    union all
    select
        'problem' as kind,
        problem_id as name
    from problems
    where problem_id is not null and data_set_id = :data_set
    union all
    select
        'run' as kind,
        run_id as name
    from runs
    where run_id is not null and data_set_id = :data_set
    union all
    select
        'environment' as kind,
        environment_id as name
    from runs
    where environment_id is not null and data_set_id = :data_set
    union all
    select
        'executed revision' as kind,
        revision as name
    from implementations
    where revision is not null and data_set_id = :data_set

),

unknown_names as (

    select
        1 as place,
        'data set' as kind,
        'problems' as mart,
        coalesce(cast(:data_set as string), '') as name,
        '' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'data set' and name = :data_set)
    union all
    select
        2 as place,
        'problem' as kind,
        'problems' as mart,
        coalesce(cast(:problem as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'problem' and name = :problem)
    union all
    select
        3 as place,
        'run' as kind,
        'runs' as mart,
        coalesce(cast(:from_run as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'run' and name = :from_run)
        and :from_run is not null
    union all
    select
        4 as place,
        'run' as kind,
        'runs' as mart,
        coalesce(cast(:to_run as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'run' and name = :to_run)
        and :to_run is not null
    union all
    select
        5 as place,
        'environment' as kind,
        'runs' as mart,
        coalesce(cast(:from_environment as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'environment' and name = :from_environment)
        and :from_environment is not null
    union all
    select
        6 as place,
        'environment' as kind,
        'runs' as mart,
        coalesce(cast(:to_environment as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'environment' and name = :to_environment)
        and :to_environment is not null
    union all
    select
        7 as place,
        'executed revision' as kind,
        'implementations' as mart,
        coalesce(cast(:from_revision as string), '') as name,
        ' in data set \'' || :data_set || '\', not counting runs that are set aside' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'executed revision' and name = :from_revision)
        and :from_revision is not null
    union all
    select
        8 as place,
        'executed revision' as kind,
        'implementations' as mart,
        coalesce(cast(:to_revision as string), '') as name,
        ' in data set \'' || :data_set || '\', not counting runs that are set aside' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'executed revision' and name = :to_revision)
        and :to_revision is not null

),

unknown_name as (

    select
        'obslake: no ' || unknown_names.kind || ' \'' || unknown_names.name || '\'' || unknown_names.whereabouts
        || coalesce(
            '; did you mean \'' || known_names.name || '\'? The mart ' || unknown_names.mart || ' has all',
            '; the mart ' || unknown_names.mart || ' has none'
        ) as message
    from unknown_names
    left join known_names on unknown_names.kind = known_names.kind
    order by
        unknown_names.place,
        levenshtein(known_names.name, unknown_names.name) - 0.9 * length(known_names.name),
        known_names.name
    limit 1

)

select
    from_environment_id,
    to_environment_id,
    from_run_id,
    to_run_id,
    subject_id,
    transition,
    n_common_stimuli,
    n_answers_kept,
    answers_kept_share,
    is_same_stimuli,
    from_cluster_rank,
    to_cluster_rank,
    from_n_implementations,
    to_n_implementations,
    n_companions_kept,
    n_companions_lost,
    n_companions_gained
from context_transitions
where
    data_set_id = :data_set
    and problem_id = :problem
    and from_followed_by = case
        when :from_revision is not null then 'revision'
        when :to_revision is not null then 'lineage'
        else 'implementation'
    end
    and from_revision_id = coalesce(:from_revision, '')
    and from_environment_id
    = coalesce(:from_environment, :to_environment, from_environment_id)
    and from_run_id = coalesce(:from_run, from_run_id)
    and to_followed_by = case
        when :to_revision is not null then 'revision'
        when :from_revision is not null then 'lineage'
        else 'implementation'
    end
    and to_revision_id = coalesce(:to_revision, '')
    and to_environment_id
    = coalesce(:to_environment, :from_environment, to_environment_id)
    and to_run_id = coalesce(:to_run, to_run_id)
    and (
        from_environment_id = to_environment_id
        or (:from_environment is not null and :to_environment is not null)
    )
    and (:to_run is not null or to_recency = 1)
    and (
        :from_run is not null
        or from_recency = case
            when coalesce(:from_revision, :to_revision) is not null then 1
            when from_environment_id <> to_environment_id then 1
            else to_recency_before
        end
    )
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by from_environment_id, to_environment_id, subject_id
