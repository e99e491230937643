-- Before its first differing stimulus, in the order of test and step, a cluster and the largest one executed the same
-- stimuli and answered alike.

with

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

other_clusters as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_id,
        clusters.first_differing_test_id,
        clusters.first_differing_step_id,
        clusters.exemplar_implementation_id,
        largest.exemplar_implementation_id as largest_exemplar_id
    from clusters
    inner join clusters as largest
        on
            clusters.data_set_id = largest.data_set_id
            and clusters.problem_id = largest.problem_id
            and largest.cluster_rank = 1
    where clusters.cluster_rank > 1

),

pairs as (

    select
        data_set_id,
        problem_id,
        cluster_id,
        first_differing_test_id,
        first_differing_step_id,
        exemplar_implementation_id as implementation_id
    from other_clusters
    union all
    select
        data_set_id,
        problem_id,
        cluster_id,
        first_differing_test_id,
        first_differing_step_id,
        largest_exemplar_id as implementation_id
    from other_clusters

),

final as (

    select
        pairs.data_set_id,
        pairs.problem_id,
        pairs.cluster_id,
        matrix.test_id,
        matrix.step_id
    from pairs
    inner join matrix
        on
            pairs.data_set_id = matrix.data_set_id
            and pairs.problem_id = matrix.problem_id
            and pairs.implementation_id = matrix.implementation_id
    where
        matrix.test_id < pairs.first_differing_test_id
        or (matrix.test_id = pairs.first_differing_test_id and matrix.step_id < pairs.first_differing_step_id)
    group by pairs.data_set_id, pairs.problem_id, pairs.cluster_id, matrix.test_id, matrix.step_id
    having count(*) <> 2 or min(matrix.response_hash) <> max(matrix.response_hash)

)

select * from final
