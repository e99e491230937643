-- For each pair of clusters of a problem, the number of stimuli that both executed and that both answered alike.

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_representative_cells'), has_number=true) }}
    where is_exemplar

),

final as (

    select
        a.data_set_id,
        a.problem_id,
        a.cluster_rank as cluster_rank_a,
        b.cluster_rank as cluster_rank_b,
        count(*) as n_common_stimuli,
        cast(sum(case when a.response_hash = b.response_hash then 1 else 0 end) as bigint) as n_equal_responses
    from cells as a
    inner join cells as b
        on
            a.problem_no = b.problem_no
            and a.data_set_id = b.data_set_id
            and a.problem_id = b.problem_id
            and a.test_id = b.test_id
            and a.step_id = b.step_id
            and a.cluster_rank < b.cluster_rank
    group by a.data_set_id, a.problem_id, a.cluster_rank, b.cluster_rank

)

select * from final
