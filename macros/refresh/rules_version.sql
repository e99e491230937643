{#- Hash of the variables that decide what rows mean. Where the project reads a relation that it knows no loads
    of, every invocation has another one, so that everything is built anew. -#}
{% macro rules_version() -%}
    {%- set rules = [
        var('obslake_oracle'), var('obslake_voting_kinds'), var('obslake_eligible_kinds'),
        obslake.checked_variable('obslake_one_vote_per'), obslake.checked_variable('obslake_minimal_support'),
        var('obslake_pass_at_k'), var('obslake_suite_rounds'),
    ] -%}
    {%- if var('obslake_observations') -%}
        {%- do rules.append(invocation_id) -%}
    {%- endif -%}
    {{ return(local_md5(tojson(rules))) }}
{%- endmacro %}
