{#- Common table expressions, the last of which is `latest`: for each `key` the row of the latest run that executed it,
    or else skipped it. In a large relation, where most keys have one row, a hash finds the others, and only those are
    ranked. A small one would take longer to plan than to read, and Spark would compute the relation three times. -#}
{% macro latest_rows(relation, key, columns, is_large) -%}
{%- if is_large -%}
repeated_keys as (

    {{ obslake.repeated_hashes(relation, key, 'key_hash') | indent(4) }}

),

{% endif -%}
ranked as (

    select
        {{ relation }}.*,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by is_executed desc, observed_at desc, run_id desc
        ) as recency
    from {{ relation }}
    {%- if is_large %}
    inner join repeated_keys on {{ obslake.cheap_hash(key) }} = repeated_keys.key_hash
    {%- endif %}

),

latest as (

    select {{ columns | join(', ') }} from ranked
    where recency = 1
    {%- if is_large %}
    union all
    select {{ columns | join(', ') }}
    from {{ relation }}
    left join repeated_keys on {{ obslake.cheap_hash(key) }} = repeated_keys.key_hash
    where repeated_keys.key_hash is null
    {%- endif %}

)
{%- endmacro %}
