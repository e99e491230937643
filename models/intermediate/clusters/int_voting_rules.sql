-- The voting rules of each problem: all rows of its scope. A problem without rules has none.

{#- No model above this one says so: the refresh is built first. -#}
{%- do obslake.after_refresh() if not execute %}

with

scopes as (

    select * from {{ obslake.stale_rows(ref('refresh_voting_rules')) }}

),

-- Problems whose rows are forgotten have scopes, too.
problems as (

    select
        data_set_id,
        problem_id
    from {{ ref('refresh_source_versions') }}
    where source_model = 'stg_voting_rules'

),

rules as (

    select
        *,
        {{ obslake.specificity('problem_id', 'data_set_id') }} as specificity
    from {{ ref('stg_voting_rules') }}
    where rule <> 'default'

),

final as (

    select
        scopes.data_set_id,
        scopes.problem_id,
        rules.rule,
        rules.argument
    from scopes
    inner join problems
        on scopes.data_set_id = problems.data_set_id and scopes.problem_id = problems.problem_id
    inner join rules
        on
            scopes.specificity = rules.specificity
            and scopes.data_set_id = coalesce(rules.data_set_id, scopes.data_set_id)
            and scopes.problem_id = coalesce(rules.problem_id, scopes.problem_id)

)

select * from final
