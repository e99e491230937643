-- At its first differing stimulus a cluster and the largest one answer differently, or only one of them executed it.
-- Every cluster except the largest has such a stimulus.

with

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

compared as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_id,
        clusters.cluster_rank,
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

),

final as (

    select
        compared.*,
        own.response_hash,
        other.response_hash as largest_response_hash
    from compared
    left join matrix as own
        on
            compared.data_set_id = own.data_set_id
            and compared.problem_id = own.problem_id
            and compared.exemplar_implementation_id = own.implementation_id
            and compared.first_differing_test_id = own.test_id
            and compared.first_differing_step_id = own.step_id
    left join matrix as other
        on
            compared.data_set_id = other.data_set_id
            and compared.problem_id = other.problem_id
            and compared.largest_exemplar_id = other.implementation_id
            and compared.first_differing_test_id = other.test_id
            and compared.first_differing_step_id = other.step_id
    where
        (compared.cluster_rank = 1) <> (compared.first_differing_test_id is null)
        or (compared.cluster_rank = 1) <> (compared.first_differing_step_id is null)
        or (compared.cluster_rank > 1 and own.response_hash is not distinct from other.response_hash)

)

select * from final
