{#- Query: the invalid rows of voting rules, each with its fault. -#}
{% macro faulty_voting_rules(relation) -%}
    {%- set kinds = [
        'value', 'void', 'instance', 'exception', 'verdict', 'timeout', 'crash', 'not_serializable', 'other'
    ] -%}
    select *
    from (
        select
            data_set_id,
            problem_id,
            rule,
            argument,
            case
                when
                    coalesce(rule, '') not in (
                        'default', 'minimal_support', 'one_vote_per', 'eligible_kind', 'voting_kind', 'abstaining_kind',
                        'voting_exception', 'abstaining_exception', 'voting_response', 'abstaining_response',
                        'voting_implementation', 'abstaining_implementation'
                    )
                    then
                        'the rule must be default, minimal_support, one_vote_per, eligible_kind, or voting_ or '
                        || 'abstaining_ and kind, exception, response or implementation'
                when rule = 'default' and argument is not null then 'default takes no argument'
                when rule <> 'default' and argument is null then rule || ' needs an argument'
                when rule = 'one_vote_per' and argument not in ('implementation', 'code', 'origin')
                    then 'the argument of one_vote_per must be implementation, code or origin'
                when rule like '%kind' and argument not in ({{ obslake.text_literals(kinds) }})
                    then 'the argument of ' || rule || ' must be {{ kinds[:-1] | join(', ') }} or {{ kinds[-1] }}'
                when n_same > 1 then rule || ' is repeated for the same problems'
                when n_opposite > 0 then 'another rule for the same problems says the opposite of ' || rule
                when is_default_of_scope = 1 and n_of_scope > 1
                    then 'default excludes other rules for the same problems'
                when rule = 'minimal_support' then {{ obslake.fault_of_support('argument') | indent(12) }}
            end as fault
        from (
            select
                *,
                count(*) over (partition by data_set_id, problem_id) as n_of_scope,
                max(case when rule = 'default' then 1 else 0 end) over (
                    partition by data_set_id, problem_id
                ) as is_default_of_scope,
                count(*) over (
                    partition by
                        data_set_id, problem_id, rule,
                        case when rule not in ('minimal_support', 'one_vote_per') then argument end
                ) as n_same,
                count(case when rule like 'voting%' then 1 end) over (
                    partition by
                        data_set_id, problem_id, argument,
                        replace(replace(rule, 'voting', ''), 'abstaining', '')
                ) * case when rule like 'abstaining%' then 1 else 0 end as n_opposite
            from {{ relation }}
        ) as counted
    ) as judged
    where fault is not null
{%- endmacro %}
