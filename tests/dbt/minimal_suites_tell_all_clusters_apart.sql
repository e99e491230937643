-- For each pair of clusters of a problem, the suite has a test that they answer differently, or that only one ran.

{% if obslake.leaves_out('suites') %}{{ config(enabled=false) }}{% endif %}

with

cells as (

    select * from {{ ref('stimulus_response_matrix') }}

),

clusters as (

    select * from {{ ref('behavior_clusters') }}

),

suites as (

    select * from {{ ref('discriminating_tests') }}
    where is_in_minimal_suite

),

suite_cells as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_rank,
        cells.test_id,
        cells.step_id,
        cells.response_hash
    from cells
    inner join clusters
        on
            cells.data_set_id = clusters.data_set_id
            and cells.problem_id = clusters.problem_id
            and cells.implementation_id = clusters.exemplar_implementation_id
    inner join suites
        on
            cells.data_set_id = suites.data_set_id
            and cells.problem_id = suites.problem_id
            and cells.test_id = suites.test_id

),

columns_in_suites as (

    select
        clusters.data_set_id,
        clusters.problem_id,
        clusters.cluster_rank,
        {{ obslake.signature(
            "concat_ws(':', suite_cells.response_hash, cast(suite_cells.step_id as string), suite_cells.test_id)"
        ) }} as signature
    from clusters
    left join suite_cells
        on
            clusters.data_set_id = suite_cells.data_set_id
            and clusters.problem_id = suite_cells.problem_id
            and clusters.cluster_rank = suite_cells.cluster_rank
    group by clusters.data_set_id, clusters.problem_id, clusters.cluster_rank

),

final as (

    select
        data_set_id,
        problem_id,
        signature
    from columns_in_suites
    group by data_set_id, problem_id, signature
    having count(*) > 1

)

select * from final
