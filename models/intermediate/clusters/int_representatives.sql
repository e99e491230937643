-- The representative of each implementation. Results computed from the responses of one member of a cluster hold for
-- all members with one exception: a verdict states whether it is right, and other responses do not. An implementation
-- that answered with both therefore represents only itself.

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
        min(matrix_columns.implementation_id) over (
            partition by
                matrix_columns.data_set_id,
                matrix_columns.problem_id,
                matrix_columns.signature,
                matrix_columns.n_verdicts,
                case
                    when matrix_columns.n_verdicts not in (0, matrix_columns.n_stimuli)
                        then matrix_columns.implementation_id
                end
        ) as representative_implementation_id,
        clusters.cluster_rank,
        matrix_columns.implementation_id = clusters.exemplar_implementation_id as is_exemplar
    from matrix_columns
    inner join clusters
        on
            matrix_columns.data_set_id = clusters.data_set_id
            and matrix_columns.problem_id = clusters.problem_id
            and matrix_columns.signature = clusters.cluster_id

)

select * from final
