{#- The seeds that users fill, each with a staging model `stg_<name>` and a variable `obslake_<name>`. -#}
{% macro seed_names() -%}
    {{ return(['renamed_tests', 'response_equivalences', 'runs_set_aside', 'voting_rules']) }}
{%- endmacro %}
