{#- Ask how many problems of the model are stale, how many it keeps in whole or in part, and what else of it has
    changed. -#}
{% macro find_stale_problems() -%}
    {%- if model.name in obslake.finished_models() -%}
        {{ return({
            'n_stale': 0, 'keeps_rows': true,
            'has_same_code': true, 'has_same_docs': true, 'has_same_source': true,
        }) }}
    {%- endif -%}
    {%- set known -%}
        select count(*) from {{ obslake.refresh_table('refresh_models') }} as models
        inner join {{ obslake.shown_snapshot() }} as shown on models.model = '{{ model.name }}'
    {%- endset -%}
    {%- set row = run_query(
        "select
            coalesce(sum(case when coalesce(wanted, '') <> coalesce(version, '') then 1 else 0 end), 0),
            coalesce(sum(case when wanted = version then 1 else 0 end), 0),
            coalesce(sum(case when " ~ ('common = wanted_common' if obslake.builds_columns() else 'wanted = version')
                ~ " then 1 else 0 end), 0),
            (" ~ known ~ " where code = wanted_code),
            (" ~ known ~ " where docs = '" ~ obslake.docs_version(model) ~ "'),
            (" ~ known ~ " where " ~ obslake.is_same_source() ~ ")
        from (" ~ obslake.compared_versions([model.unique_id]) ~ ") as versions"
    ).rows[0] -%}
    {{ return({
        'n_stale': row[0] | int, 'n_kept': row[1] | int,
        'keeps_rows': row[2] > 0,
        'has_same_code': row[3] > 0, 'has_same_docs': row[4] > 0, 'has_same_source': row[5] > 0,
    }) }}
{%- endmacro %}
