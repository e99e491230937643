-- By whose cells each implementation is judged: those of the representative of its column, mostly.
--
-- Equal responses may be to different contents of a stimulus: an implementation with others is judged by its own cells,
-- and represents nobody else.

{{ config(materialized='view') }}

with

representatives as (

    select * from {{ obslake.relation_without_database(ref('int_representatives')) }}

),

unlike_others as (

    select distinct
        data_set_id,
        problem_id,
        implementation_id
    from {{ obslake.relation_without_database(ref('int_other_contents')) }}

),

judged as (

    select
        representatives.data_set_id,
        representatives.problem_id,
        representatives.implementation_id,
        representatives.cluster_rank,
        representatives.representative_implementation_id,
        coalesce(
            unlike_others.implementation_id,
            min(case when unlike_others.implementation_id is null then representatives.implementation_id end) over (
                partition by
                    representatives.data_set_id,
                    representatives.problem_id,
                    representatives.representative_implementation_id
            )
        ) as judged_implementation_id,
        unlike_others.implementation_id is not null as is_unlike_others
    from representatives
    left join unlike_others
        on {{ obslake.equal_columns(
            'representatives', 'unlike_others', ['data_set_id', 'problem_id', 'implementation_id']
        ) | indent(12) }}

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        cluster_rank,
        judged_implementation_id,
        implementation_id = judged_implementation_id
        and (is_unlike_others or implementation_id <> representative_implementation_id) as is_judged_alone
    from judged

)

select * from final
