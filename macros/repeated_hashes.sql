{#- Query of the hashes of keys that have several rows. Keys of which only the hashes are equal are among them. -#}
{% macro repeated_hashes(relation, key, name) -%}
select {{ obslake.cheap_hash(key) }} as {{ name }}
from {{ relation }}
group by {{ obslake.cheap_hash(key) }}
having count(*) > 1
{%- endmacro %}
