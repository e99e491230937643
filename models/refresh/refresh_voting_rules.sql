-- How specific the scope is whose voting rules apply to each problem. A problem without rules has no row.

{{ config(materialized='table') }}

{%- do obslake.check_seed(
    'voting_rules',
    obslake.faulty_voting_rules(ref('stg_voting_rules')),
    ['data set', 'problem', 'rule', 'argument']
) %}
{%- do obslake.tell_unmatched_scopes('voting_rules', ref('stg_voting_rules'), ref('refresh_load_problems')) %}

with

problems as (

    select distinct
        data_set_id,
        problem_id
    from {{ ref('refresh_load_problems') }}
    where problem_id is not null

),

rules as (

    select
        *,
        {{ obslake.specificity('problem_id', 'data_set_id') }} as specificity
    from {{ ref('stg_voting_rules') }}

),

matching as (

    select
        problems.data_set_id,
        problems.problem_id,
        rules.rule,
        rules.argument,
        rules.specificity,
        max(rules.specificity) over (
            partition by problems.data_set_id, problems.problem_id
        ) as greatest_specificity
    from problems
    inner join rules
        on
            problems.data_set_id = coalesce(rules.data_set_id, problems.data_set_id)
            and problems.problem_id = coalesce(rules.problem_id, problems.problem_id)

),

final as (

    select
        data_set_id,
        problem_id,
        specificity,
        {{ obslake.signature("md5(rule) || ':' || coalesce(argument, '')") }} as version
    from matching
    where specificity = greatest_specificity
    group by data_set_id, problem_id, specificity

)

select * from final
