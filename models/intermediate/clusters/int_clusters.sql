-- Clusters of the implementations of a problem that have equal columns, ranked by size.

with

matrix_columns as (

    select * from {{ obslake.stale_rows(ref('int_implementation_signatures')) }}

),

clusters as (

    select
        data_set_id,
        problem_id,
        signature as cluster_id,
        count(*) as n_implementations,
        cast(sum(case when is_voter then 1 else 0 end) as bigint) as n_voters,
        min(implementation_id) as exemplar_implementation_id
    from matrix_columns
    group by data_set_id, problem_id, signature

),

final as (

    select
        *,
        cast(
            row_number() over (
                partition by data_set_id, problem_id
                order by n_implementations desc, exemplar_implementation_id asc
            ) as bigint
        ) as cluster_rank,
        -- Several clusters lead if they tie for the most voters.
        n_voters > 0 and n_voters = max(n_voters) over (partition by data_set_id, problem_id) as is_leading
    from clusters

)

select * from final
