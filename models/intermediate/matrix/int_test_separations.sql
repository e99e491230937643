-- The clusters that answer a test alike, for each test that tells clusters apart. Not having run a test counts as one
-- more way to answer it.

with

clusters as (

    select * from {{ obslake.stale_rows(ref('int_clusters')) }}

),

deviations as (

    select * from {{ obslake.stale_rows(ref('int_deviations'), has_number=true) }}

),

test_signatures as (

    select
        data_set_id,
        problem_id,
        test_id,
        cluster_rank,
        {{ obslake.signature(
            "concat_ws(':', coalesce(response_hash, 'not executed'), cast(step_id as string))"
        ) }} as signature
    from deviations
    group by data_set_id, problem_id, test_id, cluster_rank

),

tests as (

    select
        data_set_id,
        problem_id,
        test_id
    from deviations
    group by data_set_id, problem_id, test_id

),

-- Clusters without a signature responded as usual.
answered as (

    select
        tests.data_set_id,
        tests.problem_id,
        tests.test_id,
        clusters.cluster_rank,
        -- The first cluster names the class.
        min(clusters.cluster_rank) over (
            partition by tests.data_set_id, tests.problem_id, tests.test_id, test_signatures.signature
        ) as first_cluster_rank
    from tests
    inner join clusters
        on
            tests.data_set_id = clusters.data_set_id
            and tests.problem_id = clusters.problem_id
    left join test_signatures
        on
            tests.data_set_id = test_signatures.data_set_id
            and tests.problem_id = test_signatures.problem_id
            and tests.test_id = test_signatures.test_id
            and clusters.cluster_rank = test_signatures.cluster_rank

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        cluster_rank,
        first_cluster_rank
    from answered

)

select * from final
{%- if obslake.leaves_out('suites') %}
where 1 = 0
{%- endif %}
