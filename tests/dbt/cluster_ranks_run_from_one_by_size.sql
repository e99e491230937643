-- The ranks of a problem's clusters are 1, 2, 3 … without gap or repetition, and no cluster is larger than the one
-- ranked before it: rank 1 is what other results call the largest cluster.

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
