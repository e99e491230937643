{#- Statements that remove the marks of the last run from `refresh_problems`. -#}
{% macro forget_last_run(problems) -%}
    {{ return(adapter.dispatch('forget_last_run', 'obslake')(problems)) }}
{%- endmacro %}

{% macro default__forget_last_run(problems) -%}
    {{ exceptions.raise_compiler_error('forget_last_run does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__forget_last_run(problems) -%}
    {{ return([
        'delete from ' ~ problems ~ ' where version is null',
        'update ' ~ problems ~ ' set is_stale = false where is_stale',
    ]) }}
{%- endmacro %}

{% macro spark__forget_last_run(problems) -%}
    {#- A model that is built rewrites all of its rows. -#}
    {{ return([]) }}
{%- endmacro %}
