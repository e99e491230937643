{#- Common table expressions, the last of which is `pairs`: the head and the base of `compared_sides`, in each lineage
    of the head. `places` are all revisions of the data set. -#}
{% macro compared_pairs() -%}
places as (

    select * from {{ obslake.relation_without_database(ref('lineage_revisions')) }}
    where data_set_id = data_set

),

head_places as (

    select
        lineage,
        max(place) as head_place
    from places
    where (revision = head or implementation_id = head) and lineage = coalesce(of_lineage, lineage)
    group by lineage

),

base_places as (

    select
        head_places.lineage,
        places.lineage as base_lineage,
        max(places.place) as base_place
    from head_places
    inner join places
        on
            (base is null and places.lineage = head_places.lineage and places.place < head_places.head_place)
            or (
                (places.revision = base or places.implementation_id = base)
                and places.lineage = coalesce(of_base_lineage, places.lineage)
            )
    group by head_places.lineage, places.lineage

),

-- A base that is in several lineages is first that of the lineage of the head.
ranked_bases as (

    select
        *,
        row_number() over (partition by lineage order by base_lineage <> lineage, base_lineage) as precedence
    from base_places

),

pairs as (

    select
        head_places.lineage as head_lineage,
        head_places.head_place,
        ranked_bases.base_lineage,
        ranked_bases.base_place
    from head_places
    left join ranked_bases on head_places.lineage = ranked_bases.lineage and ranked_bases.precedence = 1

)
{%- endmacro %}
