{#- Half of the md5 of a text, 0 or 1, as a number of a type whose sum is exact: its eight bytes, the least significant
    one first. DuckDB has that number at once; reading it from hexadecimal digits would take longer than the md5. -#}
{% macro md5_lane(text, half) -%}
    {{ return(adapter.dispatch('md5_lane', 'obslake')(text, half)) }}
{%- endmacro %}

{% macro default__md5_lane(text, half) -%}
    {{ exceptions.raise_compiler_error('md5_lane does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__md5_lane(text, half) -%}
    {#- The sum of such numbers is a hugeint. -#}
    cast(md5_number({{ text }}) {{ '>> 64' if half else '& 18446744073709551615' }} as ubigint)
{%- endmacro %}

{% macro spark__md5_lane(text, half) -%}
    cast(
        conv(
            regexp_replace(
                substr(md5({{ text }}), {{ 16 * half + 1 }}, 16),
                '(..)(..)(..)(..)(..)(..)(..)(..)',
                '$8$7$6$5$4$3$2$1'
            ),
            16,
            10
        ) as decimal(38, 0)
    )
{%- endmacro %}
