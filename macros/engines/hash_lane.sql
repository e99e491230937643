{#- The 16 hexadecimal digits of an md5 text from position `start` as a number, of a type whose sum is exact. -#}
{% macro hash_lane(hash, start) -%}
    {{ return(adapter.dispatch('hash_lane', 'obslake')(hash, start)) }}
{%- endmacro %}

{% macro default__hash_lane(hash, start) -%}
    {{ exceptions.raise_compiler_error('hash_lane does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__hash_lane(hash, start) -%}
    {#- The sum of such numbers is a hugeint. -#}
    cast('0x' || substr({{ hash }}, {{ start }}, 16) as ubigint)
{%- endmacro %}

{% macro spark__hash_lane(hash, start) -%}
    cast(conv(substr({{ hash }}, {{ start }}, 16), 16, 10) as decimal(38, 0))
{%- endmacro %}
