{#- The character that an escape of JSON means, `\u` and four hexadecimal digits, or two of them for a surrogate
    pair. -#}
{% macro escaped_character(piece) -%}
    {{ return(adapter.dispatch('escaped_character', 'obslake')(piece)) }}
{%- endmacro %}

{% macro default__escaped_character(piece) -%}
    {{ exceptions.raise_compiler_error('escaped_character does not support ' ~ target.type) }}
{%- endmacro %}

{% macro duckdb__escaped_character(piece) -%}
    chr(
        case
            when length({{ piece }}) = 6 then cast('0x' || substr({{ piece }}, 3, 4) as int)
            else
                65536
                + (cast('0x' || substr({{ piece }}, 3, 4) as int) - 55296) * 1024
                + cast('0x' || substr({{ piece }}, 9, 4) as int) - 56320
        end
    )
{%- endmacro %}

{% macro spark__escaped_character(piece) -%}
    {#- The digits are those of UTF-16. -#}
    decode(unhex(concat(substr({{ piece }}, 3, 4), substr({{ piece }}, 9, 4))), 'UTF-16BE')
{%- endmacro %}
