{#- The optional parameters of a function as overloads of it, each for the calls that name one of them first: DuckDB
    would plan what they need in every call otherwise, and finds no overload if two fit. A call gives their names. -#}
{% macro overloads(required, optional) -%}
    {%- set found = [] -%}
    {%- for name in optional -%}
        {%- set later = optional[loop.index:] -%}
        {%- set parameters = required + [name] -%}
        {%- for other in later -%}
            {%- do parameters.append(other ~ ' := null') -%}
        {%- endfor -%}
        {%- set arguments = required + ['null'] * loop.index0 + [name] + later -%}
        {%- do found.append({'parameters': parameters, 'arguments': arguments}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
