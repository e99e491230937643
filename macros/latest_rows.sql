{#- Common table expressions, the last of which is `latest`: for each `key` the row that is first in `order`. `least`
    has more columns by their names, each the least value of a `column` in all rows with the same `key`, which contains
    the other one. In a large relation, where most keys have one row, a hash finds the others, and only those are
    ranked. A small one would take longer to plan than to read, and Spark would compute the relation three times. -#}
{% macro latest_rows(relation, key, order, columns, is_large, least={}) -%}
{%- if is_large -%}
repeated_keys as (

    {{ obslake.repeated_hashes(relation, key, 'key_hash') | indent(4) }}

),

{% endif -%}
ranked as (

    select
        {{ relation }}.*,
        {%- for name, of in least.items() %}
        min({{ of.column }}) over (partition by {{ of.key | join(', ') }}) as {{ name }},
        {%- endfor %}
        row_number() over (
            partition by {{ key | join(', ') }}
            order by {{ order | join(', ') }}
        ) as recency
    from {{ relation }}
    {%- if is_large %}
    inner join repeated_keys on {{ obslake.cheap_hash(key) }} = repeated_keys.key_hash
    {%- endif %}

),

latest as (

    select {{ (columns + least.keys() | list) | join(', ') }} from ranked
    where recency = 1
    {%- if is_large %}
    union all
    select
        {{ columns | join(', ') }}
        {%- for name, of in least.items() -%}
        , {{ of.column }} as {{ name }}
        {%- endfor %}
    from {{ relation }}
    left join repeated_keys on {{ obslake.cheap_hash(key) }} = repeated_keys.key_hash
    where repeated_keys.key_hash is null
    {%- endif %}

)
{%- endmacro %}
