{#- Keep from which snapshot, and by which rules, a model was built. -#}
{% macro keep_model_snapshot() -%}
    insert into {{ ref('refresh_model_snapshots') }}
    select '{{ model.name }}' as model, snapshot_id, digest, rules
    from {{ ref('refresh_shown_snapshot') }}
{%- endmacro %}
