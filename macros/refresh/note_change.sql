{#- Note that this run has changed something that readers see. -#}
{% macro note_change() -%}
    {%- if 'obslake_run' in graph -%} {%- do graph['obslake_run'].update({'is_changed': true}) -%} {%- endif -%}
{%- endmacro %}
