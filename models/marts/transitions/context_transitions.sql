-- How subjects moved between the clusters of any two contexts of a problem. Queries must select a few pairs: the engine
-- applies a condition on the columns that name a pair before it compares.

{% set context = ['environment_id', 'run_id', 'followed_by', 'revision_id', 'recency', 'recency_before'] -%}
{% set member = ['implementation_id', 'cluster_id', 'stimuli_signature', 'n_implementations', 'cluster_rank'] -%}
{% set pair = ['data_set_id', 'problem_id'] -%}
{% for name in context %}{% do pair.extend(['from_' ~ name, 'to_' ~ name]) %}{% endfor -%}
{% set pair = pair | join(', ') -%}

with

members as (

    select * from {{ ref('context_members') }}

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
            '{{ side }}' as side,
            {{ side }}_side.subject_id,
            {{ side }}_side.{{ member | join(', ' ~ side ~ '_side.') }}
        from members as {{ side }}_side
        inner join members as {{ other }}_side
            on
                {{ side }}_side.data_set_id = {{ other }}_side.data_set_id
                and {{ side }}_side.problem_id = {{ other }}_side.problem_id
                and {{ other }}_side.stands_for_context
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

compared as (

    select
        {{ pair }},
        subject_id,
        {% for name in member -%}
            max(case when side = 'from' then {{ name }} end) as from_{{ name }},
            max(case when side = 'to' then {{ name }} end) as to_{{ name }},
        {% endfor -%}
        count(distinct side) - 1 as is_both
    from paired
    group by {{ pair }}, subject_id

),

-- The numbers of subjects in both contexts, itself included, that were in its cluster before, after, and both times.
accompanied as (

    select
        *,
        from_stimuli_signature = to_stimuli_signature as is_same_stimuli,
        sum(is_both) over (partition by {{ pair }}, from_cluster_id, to_cluster_id) as n_kept,
        sum(is_both) over (partition by {{ pair }}, from_cluster_id) as n_before,
        sum(is_both) over (partition by {{ pair }}, to_cluster_id) as n_after
    from compared

),

final as (

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
        case
            when from_cluster_id is null then 'appeared'
            when to_cluster_id is null then 'disappeared'
            -- Signatures of different stimuli cannot be compared, so companions decide.
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

select * from final
