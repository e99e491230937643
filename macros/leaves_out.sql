{#- Whether the marts of one kind are left empty: `assessments`, `agreements` or `suites`. -#}
{% macro leaves_out(kind) -%}
    {{ return(kind in obslake.checked_variable('obslake_leave_out')) }}
{%- endmacro %}
