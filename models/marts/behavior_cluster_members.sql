-- The cluster of each implementation.

with

matrix_columns as (

    select * from {{ obslake.stale_rows(ref('int_implementation_signatures')) }}

),

clusters as (

    select * from {{ obslake.stale_rows(ref('int_clusters')) }}

),

final as (

    select
        matrix_columns.data_set_id,
        matrix_columns.problem_id,
        matrix_columns.implementation_id,
        clusters.cluster_id,
        clusters.cluster_rank,
        matrix_columns.is_voter
    from matrix_columns
    inner join clusters
        on
            matrix_columns.data_set_id = clusters.data_set_id
            and matrix_columns.problem_id = clusters.problem_id
            and matrix_columns.signature = clusters.cluster_id

)

select * from final
