{#- The variables that decide what rows mean. -#}
{% macro rules() -%}
    {{ return({
        'oracle': var('obslake_oracle'),
        'voting_kinds': var('obslake_voting_kinds'),
        'eligible_kinds': var('obslake_eligible_kinds'),
        'one_vote_per': obslake.checked_variable('obslake_one_vote_per'),
        'minimal_support': obslake.checked_variable('obslake_minimal_support'),
        'pass_at_k': var('obslake_pass_at_k'),
        'suite_rounds': var('obslake_suite_rounds'),
        'leave_out': obslake.checked_variable('obslake_leave_out') | sort,
    }) }}
{%- endmacro %}
