-- The transitions are exactly those of the implementations that either run executed, with the signature and size of
-- their clusters there.

with

transitions as (

    select * from {{ ref('behavior_transitions') }}

),

signatures as (

    select * from {{ ref('response_signatures') }}
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

sizes as (

    select
        data_set_id,
        problem_id,
        environment_id,
        run_id,
        signature,
        count(*) as n_implementations
    from signatures
    group by data_set_id, problem_id, environment_id, run_id, signature

),

{% for side in ['from', 'to'] -%}
    {{ side }}_contexts as (

        select distinct
            data_set_id,
            problem_id,
            from_environment_id,
            to_environment_id,
            {{ side }}_environment_id as environment_id,
            {{ side }}_run_id as run_id
        from transitions

    ),

    {{ side }}_expected as (

        select
            contexts.data_set_id,
            contexts.problem_id,
            contexts.from_environment_id,
            contexts.to_environment_id,
            signatures.implementation_id,
            signatures.signature,
            sizes.n_implementations
        from {{ side }}_contexts as contexts
        inner join signatures
            on
                contexts.data_set_id = signatures.data_set_id
                and contexts.problem_id = signatures.problem_id
                and contexts.environment_id = signatures.environment_id
                and contexts.run_id = signatures.run_id
        inner join sizes
            on
                signatures.data_set_id = sizes.data_set_id
                and signatures.problem_id = sizes.problem_id
                and signatures.environment_id = sizes.environment_id
                and signatures.run_id = sizes.run_id
                and signatures.signature = sizes.signature

    ),

{% endfor -%}
final as (

    {% for side in ['from', 'to'] -%}
        select
            coalesce(expected.data_set_id, transitions.data_set_id) as data_set_id,
            coalesce(expected.problem_id, transitions.problem_id) as problem_id,
            coalesce(expected.implementation_id, transitions.{{ side }}_implementation_id) as implementation_id
        from {{ side }}_expected as expected
        full outer join transitions
            on
                expected.data_set_id = transitions.data_set_id
                and expected.problem_id = transitions.problem_id
                and expected.from_environment_id = transitions.from_environment_id
                and expected.to_environment_id = transitions.to_environment_id
                and expected.implementation_id = transitions.{{ side }}_implementation_id
        where
            coalesce(expected.implementation_id, transitions.{{ side }}_implementation_id) is not null
            and (
                expected.signature is distinct from transitions.{{ side }}_cluster_id
                or expected.n_implementations is distinct from transitions.{{ side }}_n_implementations
            )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
{# Where revisions are chosen, contexts have but their implementations. -#}
{%- if (var('obslake_transitions').get('from') or {}).get('revision') is not none %}
where 1 = 0
{%- endif %}
