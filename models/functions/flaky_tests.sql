{{ config(parameters=[
    'data_set',
    'of_lineage := null',
    'of_environment := null',
    'of_branch := null',
    'last_executions := 50',
    'last_days := null'
]) }}

{%- set stimulus = ['subject_id', 'lineage', 'problem_id', 'environment_id', 'test_id', 'step_id', 'content_id'] %}
{%- set test = ['subject_id', 'problem_id', 'environment_id', 'test_id'] %}

with

revisions as (

    select
        problem_id,
        environment_id,
        implementation_id,
        lineage,
        place
    from {{ obslake.relation_without_database(ref('lineage_revisions')) }}
    where data_set_id = data_set and lineage = coalesce(of_lineage, lineage)

),

single_implementations as (

    select
        problem_id,
        implementation_id
    from {{ obslake.relation_without_database(ref('implementations')) }}
    where data_set_id = data_set and lineage is null and of_lineage is null

),

executed as (

    select * from {{ obslake.relation_without_database(ref('stimulus_response_cube')) }}
    where
        data_set_id = data_set
        and not is_set_aside
        and {{ obslake.is_executed('response_kind') }}
        and implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}
        and environment_id = coalesce(of_environment, environment_id)
        and (of_branch is null or git_branch = of_branch)

),

observed as (

    select
        executed.*,
        true as is_executed,
        coalesce(revisions.lineage, '') as lineage,
        coalesce('lineage ' || revisions.lineage, 'implementation ' || executed.implementation_id) as subject_id,
        coalesce(revisions.place, 0) as revision_place,
        max(executed.observed_at) over () as last_observed_at
    from executed
    left join revisions
        on {{ obslake.equal_columns(
            'executed', 'revisions', ['problem_id', 'environment_id', 'implementation_id']
        ) | indent(12) }}
    left join single_implementations
        on {{ obslake.equal_columns(
            'executed', 'single_implementations', ['problem_id', 'implementation_id']
        ) | indent(12) }}
    where revisions.lineage is not null or single_implementations.problem_id is not null

),

recent as (

    select * from observed
    where last_days is null or observed_at >= last_observed_at - cast(last_days as double) * interval '1' day

),

-- Few tests have different responses, and only these are put in order.
suspect_steps as (

    select {{ test | join(', ') }}
    from recent
    group by {{ test | join(', ') }}, step_id
    having min(response_hash) <> max(response_hash)

),

suspect_tests as (

    select distinct {{ test | join(', ') }}
    from suspect_steps

),

actuations as (

    select recent.*
    from recent
    inner join suspect_tests
        on {{ obslake.equal_columns('recent', 'suspect_tests', test) | indent(12) }}

),

{{ obslake.executions_by_content(
    'actuations', ['subject_id', 'lineage', 'problem_id', 'environment_id', 'test_id', 'implementation_id']
) }},

ranked as (

    select
        *,
        row_number() over (
            partition by {{ stimulus | join(', ') }}
            order by revision_place desc, observed_at desc, run_id desc, attempt desc
        ) as recency
    from executions

),

chosen as (

    select * from ranked
    where recency <= last_executions

),

flips as (

    {{ obslake.with_flips('chosen', stimulus) | indent(4) }}

),

counts as (

    select
        {{ stimulus | join(',\n        ') }},
        response_hash,
        max(response) as response,
        count(*) as n_times,
        count(distinct run_id) as n_runs,
        sum(is_flip) as n_flips,
        sum(is_disagreement) as n_disagreements,
        max(case when is_flip = 1 then observed_at end) as last_flip_at
    from flips
    group by {{ stimulus | join(', ') }}, response_hash

),

ranked_responses as (

    select
        *,
        row_number() over (
            partition by {{ stimulus | join(', ') }}
            order by n_times desc, response_hash asc
        ) as response_rank
    from counts

),

judged as (

    select
        {{ stimulus | join(',\n        ') }},
        cast(sum(n_times) as bigint) as n_executions,
        cast(sum(case when response_rank > 1 then n_times else 0 end) as bigint) as n_unusual,
        cast(sum(n_flips) as bigint) as n_flips,
        cast(sum(n_disagreements) as bigint) as n_disagreements,
        max(last_flip_at) as last_flip_at,
        max(case when response_rank = 1 then response end) as usual_response,
        max(case when response_rank = 2 then response end) as other_response
    from ranked_responses
    group by {{ stimulus | join(', ') }}

),

{{ obslake.unknown_name(optional={
    'of_lineage': 'lineage',
    'of_environment': 'environment',
    'of_branch': 'branch',
}) }}

select
    nullif(lineage, '') as lineage,
    environment_id,
    problem_id,
    test_id,
    step_id,
    n_executions,
    n_unusual,
    cast(n_unusual as double) / n_executions as unusual_share,
    {{ obslake.share_bound('n_unusual', 'n_executions', '-') | indent(4) }} as least_share,
    {{ obslake.share_bound('n_unusual', 'n_executions', '+') | indent(4) }} as greatest_share,
    n_flips,
    n_disagreements,
    last_flip_at,
    usual_response,
    other_response
from judged
where n_disagreements >= 1 or n_flips >= 2
union all
{{ obslake.unknown_name_row(15) }}
order by n_flips desc, unusual_share desc, environment_id asc, problem_id asc, test_id asc, step_id asc
