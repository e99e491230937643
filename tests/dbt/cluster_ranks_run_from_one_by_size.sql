-- The ranks of a problem's clusters are 1, 2, 3 … without gaps or repetitions, and no cluster is larger than the one
-- ranked before it. Other results call the cluster with rank 1 the largest.

with

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by data_set_id, problem_id
            order by cluster_rank
        ) as expected_rank,
        lag(n_implementations) over (
            partition by data_set_id, problem_id
            order by cluster_rank
        ) as size_before
    from clusters

),

final as (

    select * from ranked
    where cluster_rank <> expected_rank or n_implementations > size_before

)

select * from final
