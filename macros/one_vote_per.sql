{#- What has one vote: every implementation, or every distinct code. -#}
{% macro one_vote_per() -%}
    {%- set chosen = var('obslake_one_vote_per') -%}
    {%- if chosen not in ['implementation', 'code'] -%}
        {%- do exceptions.raise_compiler_error(
            'obslake_one_vote_per must be implementation or code, not ' ~ tojson(chosen)
        ) -%}
    {%- endif -%}
    {{ return(chosen) }}
{%- endmacro %}
