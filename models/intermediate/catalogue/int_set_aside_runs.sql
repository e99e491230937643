-- The runs that are set aside in an environment, with the problems that they said something about: those that are
-- recognised as broken, unless somebody took them back, those that somebody set aside, and those that are not in the
-- context of `obslake_as_of`.
--
-- Whether a run is broken depends on all its problems, so this is a plain table, and its rows are the version of each
-- problem. The reason is left out: it changes when a run follows.

{{ config(
    materialized='table',
    meta={'own_version': ['run_id', 'environment_id'], 'concerns_all_columns': true},
    post_hook="{{ obslake.keep_own_versions() }}"
) }}

{%- do obslake.check_seed(
    'runs_set_aside',
    obslake.faulty_runs_set_aside(ref('stg_runs_set_aside')),
    ['data set', 'environment', 'run']
) %}
{%- do obslake.tell_unknown_runs(ref('stg_runs_set_aside'), ref('int_run_failures')) %}

{%- set as_of = obslake.as_of_context() %}
{%- set is_as_of = as_of | length > 0 %}
{%- if is_as_of %}
    {%- set implementations = ref('stg_implementations') if 'revision' in as_of else none %}
    {%- set revisions = obslake.described_revisions(implementations) if implementations else none %}
    {%- set context = obslake.runs_in_context(ref('int_run_failures'), revisions, as_of) %}
    {%- do obslake.check_as_of(ref('int_run_failures'), implementations, context) %}
{%- endif %}

{%- set run = ['data_set_id', 'run_id', 'environment_id'] %}

with

run_failures as (

    select * from {{ ref('int_run_failures') }}

),

recognised as (

    select * from {{ ref('int_broken_runs') }}

),

decisions as (

    select
        *,
        {{ obslake.specificity('environment_id', 'data_set_id') }} as specificity
    from {{ ref('stg_runs_set_aside') }}

),

matching as (

    select distinct
        run_failures.data_set_id,
        run_failures.run_id,
        run_failures.environment_id,
        decisions.is_set_aside,
        decisions.reason,
        decisions.specificity
    from run_failures
    inner join decisions
        on
            run_failures.run_id = decisions.run_id
            and run_failures.data_set_id = coalesce(decisions.data_set_id, run_failures.data_set_id)
            and run_failures.environment_id = coalesce(decisions.environment_id, run_failures.environment_id)

),

ranked as (

    select
        *,
        row_number() over (partition by {{ run | join(', ') }} order by specificity desc) as precedence
    from matching

),

decided as (

    select
        {% for column in run -%}
            coalesce(ranked.{{ column }}, recognised.{{ column }}) as {{ column }},
        {% endfor -%}
        coalesce(ranked.reason, recognised.reason) as reason
    from recognised
    full outer join ranked
        on {{ obslake.equal_columns('recognised', 'ranked', run) | indent(12) }}
    where coalesce(ranked.precedence, 1) = 1 and coalesce(ranked.is_set_aside, 'true') = 'true'

),

{%- if is_as_of %}

    in_context as (

        {{ context | indent(8) }}

    ),

    -- Data sets that do not have the context stay as they are.
    concerned as (

        select distinct data_set_id
        from in_context

    ),

    set_aside as (

        select * from decided
        union all
        select distinct
            run_failures.data_set_id,
            run_failures.run_id,
            run_failures.environment_id,
            'not in the context of obslake_as_of' as reason
        from run_failures
        inner join concerned on run_failures.data_set_id = concerned.data_set_id
        left join in_context
            on {{ obslake.equal_columns('run_failures', 'in_context', run) | indent(16) }}
        left join decided
            on {{ obslake.equal_columns('run_failures', 'decided', run) | indent(16) }}
        where in_context.run_id is null and decided.run_id is null

    ),

{%- else %}

    set_aside as (

        select * from decided

    ),

{%- endif %}

final as (

    select distinct
        run_failures.data_set_id,
        run_failures.problem_id,
        run_failures.run_id,
        run_failures.environment_id,
        set_aside.reason
    from run_failures
    inner join set_aside
        on {{ obslake.equal_columns('run_failures', 'set_aside', run) | indent(12) }}

)

select * from final
