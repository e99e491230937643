-- The cells in which clusters deviate from the usual: the most frequent response to the stimulus, or none if more
-- clusters did not execute it than gave that response. Most clusters respond to most stimuli as usual, so few rows
-- contain all their differences.

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_representative_cells'), has_number=true) }}
    where is_exemplar

),

clusters as (

    select
        data_set_id,
        problem_id,
        cluster_rank
    from cells
    group by data_set_id, problem_id, cluster_rank

),

problems as (

    select
        data_set_id,
        problem_id,
        count(*) as n_clusters
    from clusters
    group by data_set_id, problem_id

),

answers as (

    select
        data_set_id,
        problem_id,
        problem_no,
        test_id,
        step_id,
        response_hash,
        count(*) as n_clusters
    from cells
    group by data_set_id, problem_id, problem_no, test_id, step_id, response_hash

),

answered as (

    select
        data_set_id,
        problem_id,
        problem_no,
        test_id,
        step_id,
        max(n_clusters) as n_usual,
        -- One of those that are equally frequent, whatever the order of rows.
        substring(max(concat(lpad(cast(n_clusters as string), 19, '0'), response_hash)), 20) as usual_hash,
        sum(n_clusters) as n_executed
    from answers
    group by data_set_id, problem_id, problem_no, test_id, step_id

),

stimuli as (

    select
        answered.*,
        problems.n_clusters - answered.n_executed as n_missing,
        answered.n_usual >= problems.n_clusters - answered.n_executed as is_usually_executed
    from answered
    inner join problems
        on
            answered.data_set_id = problems.data_set_id
            and answered.problem_id = problems.problem_id

),

missing as (

    select
        stimuli.data_set_id,
        stimuli.problem_id,
        stimuli.problem_no,
        stimuli.test_id,
        stimuli.step_id,
        clusters.cluster_rank
    from stimuli
    inner join clusters
        on
            stimuli.data_set_id = clusters.data_set_id
            and stimuli.problem_id = clusters.problem_id
    left join cells
        on
            stimuli.problem_no = cells.problem_no
            and stimuli.data_set_id = cells.data_set_id
            and stimuli.problem_id = cells.problem_id
            and stimuli.test_id = cells.test_id
            and stimuli.step_id = cells.step_id
            and clusters.cluster_rank = cells.cluster_rank
    where stimuli.is_usually_executed and stimuli.n_missing > 0 and cells.cluster_rank is null

),

final as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.problem_no,
        cells.test_id,
        cells.step_id,
        cells.cluster_rank,
        cells.response_hash,
        stimuli.is_usually_executed
    from cells
    inner join stimuli
        on
            cells.problem_no = stimuli.problem_no
            and cells.data_set_id = stimuli.data_set_id
            and cells.problem_id = stimuli.problem_id
            and cells.test_id = stimuli.test_id
            and cells.step_id = stimuli.step_id
    where not stimuli.is_usually_executed or cells.response_hash <> stimuli.usual_hash
    union all
    select
        data_set_id,
        problem_id,
        problem_no,
        test_id,
        step_id,
        cluster_rank,
        cast(null as string) as response_hash,
        true as is_usually_executed
    from missing

)

select * from final
