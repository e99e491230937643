{#- Regular expression of the number of votes that an oracle needs: a number, or a share with an offset. -#}
{% macro support_expression() -%}
    {{ return(
        '^(?:[1-9][0-9]{0,8}'
        ~ '|(?:more than )?(?:[01](?:[.][0-9]{1,6})?|[0-9]{1,6}/[1-9][0-9]{0,5}) of (?:voters|implementations)'
        ~ '(?: [+] [0-9]{1,6})?)$'
    ) }}
{%- endmacro %}
