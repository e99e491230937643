-- Ranks run from 1 in every problem, better scores have better ranks, and only voters have scores.

with

assessments as (

    select * from {{ ref('implementation_assessments') }}

),

ranked as (

    select
        *,
        count(*) over (partition by data_set_id, problem_id) as n_implementations,
        lead(assessment_rank) over (partition by data_set_id, problem_id order by assessment_rank) as next_rank,
        lead(coalesce(dual_agreement_score, -1)) over (partition by data_set_id, problem_id order by assessment_rank)
            as next_score,
        lead(coalesce(mbr_score, -1)) over (partition by data_set_id, problem_id order by assessment_rank)
            as next_mbr_score
    from assessments

),

final as (

    select * from ranked
    where
        assessment_rank < 1
        or assessment_rank > n_implementations
        or next_rank <> assessment_rank + 1
        or next_score > coalesce(dual_agreement_score, -1)
        or (next_score = coalesce(dual_agreement_score, -1) and next_mbr_score > coalesce(mbr_score, -1))
        or is_voter <> (dual_agreement_score is not null)
        or is_voter <> (n_same_tests_passed is not null)
        or n_same_tests_passed < 1
        or abs(dual_agreement_score - n_tests_passed * sqrt(n_same_tests_passed)) > 0.000001

)

select * from final
