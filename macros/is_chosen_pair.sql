{#- Whether two contexts of `context_transitions` are the ones to compare. Null parts of `before` and `after` have
    defaults:

    - an environment that only one side names applies to both; if neither names one, each is compared with itself;
    - lineages are followed if either side names a revision;
    - the run is the latest of its context; `before` has the run before it if nothing else distinguishes the sides. -#}
{% macro is_chosen_pair(before, after) -%}
    {% for side, own, other in [('from', before, after), ('to', after, before)] -%}
    {{ side }}_followed_by = case
        when {{ own.revision }} is not null then 'revision'
        when {{ other.revision }} is not null then 'lineage'
        else 'implementation'
    end
    and {{ side }}_revision_id = coalesce({{ own.revision }}, '')
    and {{ side }}_environment_id
    = coalesce({{ own.environment_id }}, {{ other.environment_id }}, {{ side }}_environment_id)
    and {{ side }}_run_id = coalesce({{ own.run_id }}, {{ side }}_run_id)
    and {% endfor -%}
    (
        from_environment_id = to_environment_id
        or ({{ before.environment_id }} is not null and {{ after.environment_id }} is not null)
    )
    and ({{ after.run_id }} is not null or to_recency = 1)
    and (
        {{ before.run_id }} is not null
        or from_recency = case
            when coalesce({{ before.revision }}, {{ after.revision }}) is not null then 1
            when from_environment_id <> to_environment_id then 1
            else to_recency_before
        end
    )
{%- endmacro %}
