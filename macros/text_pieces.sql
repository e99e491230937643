{#- A text, split into words of ASCII letters, digits and points, and what is between them, as an array. A number with
    an exponent is one word. The mark of a rounded number belongs to its word. -#}
{% macro text_pieces(text) -%}
    {{ return(obslake.matches(
        text, '≈?(?:[0-9.][eE][+-][0-9]|[0-9A-Za-z_.])+|[^0-9A-Za-z_.≈]+|≈'
    )) }}
{%- endmacro %}
