-- Clusters of implementations that answered every stimulus alike.

with

clusters as (

    select * from {{ obslake.stale_rows(ref('int_clusters')) }}

),

matrix_columns as (

    select * from {{ obslake.stale_rows(ref('int_implementation_signatures')) }}

),

differences as (

    select * from {{ obslake.stale_rows(ref('int_cluster_differences')) }}

),

final as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_id,
        clusters.cluster_rank,
        clusters.n_implementations,
        clusters.n_voters,
        clusters.exemplar_implementation_id,
        matrix_columns.n_stimuli,
        matrix_columns.n_exceptions,
        differences.test_id as first_differing_test_id,
        differences.step_id as first_differing_step_id
    from clusters
    inner join matrix_columns
        on
            clusters.data_set_id = matrix_columns.data_set_id
            and clusters.problem_id = matrix_columns.problem_id
            and clusters.exemplar_implementation_id = matrix_columns.implementation_id
    left join differences
        on
            clusters.data_set_id = differences.data_set_id
            and clusters.problem_id = differences.problem_id
            and clusters.cluster_id = differences.cluster_id

)

select * from final
