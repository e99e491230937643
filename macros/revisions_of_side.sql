{#- Query of the revisions of one side of `compared_sides`, with the places of the last ones that ran the problem, and
    the environment. -#}
{% macro revisions_of_side(side, lineage, comparison) -%}
select
    '{{ side }}' as side,
    pairs.head_lineage,
    pairs.base_lineage,
    pairs.head_place,
    pairs.base_place,
    places.lineage,
    places.problem_id,
    places.environment_id,
    places.implementation_id,
    places.revision,
    places.place,
    max(places.place) over (
        partition by pairs.head_lineage, places.problem_id, places.environment_id
    ) as problem_place,
    max(places.place) over (partition by pairs.head_lineage, places.environment_id) as environment_place
from places
inner join pairs on places.lineage = pairs.{{ lineage }} and places.place {{ comparison }} pairs.{{ side }}_place
{%- endmacro %}
