-- How the answers of subjects, and their clusters, differ between any two contexts of a problem. Queries must select a
-- few pairs: the engine applies a condition on the columns that name a pair before it compares.

{% set context = ['environment_id', 'run_id', 'followed_by', 'revision_id', 'recency', 'recency_before'] -%}
{% set member = [
    'implementation_id', 'cluster_id', 'stimuli_signature', 'n_steps', 'n_implementations', 'cluster_rank'
] -%}
{% set pair = ['data_set_id', 'problem_id'] -%}
{% for name in context %}{% do pair.extend(['from_' ~ name, 'to_' ~ name]) %}{% endfor -%}
{% set pair = pair | join(', ') -%}

with

members as (

    select * from {{ ref('context_members') }}

),

-- The answers to the stimuli that both contexts executed, compared one by one. Equal signatures need no comparison.
compared_answers as (

    select
        from_side.data_set_id,
        from_side.problem_id,
        {% for name in context -%}
            from_side.{{ name }} as from_{{ name }},
            to_side.{{ name }} as to_{{ name }},
        {% endfor -%}
        from_side.subject_id,
        from_answer.test_id,
        from_answer.step_id,
        case when from_answer.response_hash = to_answer.response_hash then 1 else 0 end as is_kept,
        case when {{ obslake.is_same_stimulus('from_answer', 'to_answer') | indent(8) }} then 0 else 1 end as is_edited
    from members as from_side
    inner join members as to_side
        on
            from_side.data_set_id = to_side.data_set_id
            and from_side.problem_id = to_side.problem_id
            and from_side.subject_id = to_side.subject_id
            and from_side.cluster_id <> to_side.cluster_id
    inner join {{ obslake.relation_without_database(ref('stimulus_response_cube')) }} as from_answer
        on
            from_side.data_set_id = from_answer.data_set_id
            and from_side.problem_id = from_answer.problem_id
            and from_side.implementation_id = from_answer.implementation_id
            and from_side.environment_id = from_answer.environment_id
            and from_side.run_id = from_answer.run_id
            and from_answer.is_final
    inner join {{ obslake.relation_without_database(ref('stimulus_response_cube')) }} as to_answer
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
            partition by {{ pair }}, subject_id, test_id
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

    {% for side, other in [('from', 'to'), ('to', 'from')] -%}
        select
            {{ side }}_side.data_set_id,
            {{ side }}_side.problem_id,
            {% for name in context -%}
                from_side.{{ name }} as from_{{ name }},
                to_side.{{ name }} as to_{{ name }},
            {% endfor -%}
            {{ side }}_side.subject_id,
            '{{ side }}' as side,
            {{ side }}_side.{{ member | join(', ' ~ side ~ '_side.') }},
            0 as n_common_stimuli,
            0 as n_answers_kept
        from members as {{ side }}_side
        inner join members as {{ other }}_side
            on
                {{ side }}_side.data_set_id = {{ other }}_side.data_set_id
                and {{ side }}_side.problem_id = {{ other }}_side.problem_id
                and {{ other }}_side.stands_for_context
        union all
    {% endfor -%}
    -- In the same list instead of a join, so that conditions on the pair reach these rows, too.
    select
        {{ pair }},
        subject_id,
        null as side,
        {% for name in member -%}
            null as {{ name }},
        {% endfor -%}
        count(*) as n_common_stimuli,
        sum(is_kept) as n_answers_kept
    from answers
    group by {{ pair }}, subject_id

),

compared as (

    select
        {{ pair }},
        subject_id,
        {% for name in member -%}
            max(case when side = 'from' then {{ name }} end) as from_{{ name }},
            max(case when side = 'to' then {{ name }} end) as to_{{ name }},
        {% endfor -%}
        sum(n_common_stimuli) as n_common_stimuli,
        sum(n_answers_kept) as n_answers_kept,
        count(distinct side) - 1 as is_both
    from paired
    group by {{ pair }}, subject_id

),

-- The numbers of subjects in both contexts, itself included, that were in its cluster before, after, and both times.
accompanied as (

    select
        *,
        from_stimuli_signature = to_stimuli_signature as is_same_stimuli,
        from_cluster_id = to_cluster_id as is_same_behavior,
        sum(is_both) over (partition by {{ pair }}, from_cluster_id, to_cluster_id) as n_kept,
        sum(is_both) over (partition by {{ pair }}, from_cluster_id) as n_before,
        sum(is_both) over (partition by {{ pair }}, to_cluster_id) as n_after
    from compared

),

counted as (

    select
        {{ pair }},
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
