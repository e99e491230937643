-- The stimuli and exceptions of a cluster are those in the matrix column of its exemplar.

with

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}

),

counts as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        count(*) as n_stimuli,
        sum(case when response_kind = 'exception' then 1 else 0 end) as n_exceptions
    from matrix
    group by data_set_id, problem_id, implementation_id

),

final as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_id,
        clusters.n_stimuli,
        counts.n_stimuli as n_stimuli_of_exemplar,
        clusters.n_exceptions,
        counts.n_exceptions as n_exceptions_of_exemplar
    from clusters
    left join counts
        on
            clusters.data_set_id = counts.data_set_id
            and clusters.problem_id = counts.problem_id
            and clusters.exemplar_implementation_id = counts.implementation_id
    where
        clusters.n_stimuli is distinct from counts.n_stimuli
        or clusters.n_exceptions is distinct from counts.n_exceptions

)

select * from final
