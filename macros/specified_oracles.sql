{#- The specified responses of each stimulus in one row: the first of them, and all of their hashes. -#}
{% macro specified_oracles(relation) -%}
    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        max(case when is_first then response end) as response,
        max(case when is_first then response_hash end) as response_hash,
        {{ obslake.ordered_list_text('response_hash', 'response_hash', ' ') }} as response_hashes,
        count(*) as n_responses
    from {{ relation }}
    group by data_set_id, problem_id, test_id, step_id
{%- endmacro %}
