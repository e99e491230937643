{#- Common table expressions, the last of which is `unknown_name`: no row, or one with the message about the first of
    the names that is not known. Names are first the data set, then those of the arguments.

    Every call plans them, so they have few expressions. A name that is known is compared with no other one. -#}
{% macro unknown_name(names={}, optional={}) -%}
{%- set sound = ', not counting runs that are set aside' -%}
{%- set wanted = [('data_set', 'data set')] + names.items() | list + optional.items() | list -%}
known_names as (

    {% for kind in wanted | map('last') | unique -%}
    {{ obslake.known_names(kind) }}
    {{- '\n    union all\n    ' if not loop.last }}
    {%- endfor %}

),

unknown_names as (

    {% for name, kind in wanted -%}
    select
        {{ loop.index }} as place,
        '{{ kind }}' as kind,
        '{{ obslake.mart_of_names(kind)[0].identifier }}' as mart,
        coalesce(cast({{ name }} as string), '') as name,
        {% if kind == 'data set' -%}
        ''
        {%- elif kind == 'implementation' -%}
        ' in problem ''' || problem || ''' of data set ''' || data_set || ''''
        {%- else -%}
        ' in data set ''' || data_set || '''{{ sound if kind.startswith('executed') }}'
        {%- endif %} as whereabouts
    where
        not exists (select 1 from known_names where kind = '{{ kind }}' and name = {{ name }})
        {{- '\n        and ' ~ name ~ ' is not null' if name in optional }}
    {{- '\n    union all\n    ' if not loop.last }}
    {%- endfor %}

),

unknown_name as (

    select
        'obslake: no ' || unknown_names.kind || ' ''' || unknown_names.name || '''' || unknown_names.whereabouts
        || coalesce(
            '; did you mean ''' || known_names.name || '''? The mart ' || unknown_names.mart || ' has all',
            '; the mart ' || unknown_names.mart || ' has none'
        ) as message
    from unknown_names
    left join known_names on unknown_names.kind = known_names.kind
    order by
        unknown_names.place,
        {{ obslake.name_distance('known_names.name', 'unknown_names.name') }},
        known_names.name
    limit 1

)
{%- endmacro %}
