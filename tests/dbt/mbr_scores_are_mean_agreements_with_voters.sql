-- The minimum-Bayes-risk score of a voter is its mean agreement with the other voters that have a stimulus in common.

{% if obslake.leaves_out('assessments') or obslake.leaves_out('agreements') %}{{ config(enabled=false) }}{% endif %}

with

agreements as (

    select * from {{ ref('implementation_agreements') }}
    where agreement is not null

),

assessments as (

    select * from {{ ref('implementation_assessments') }}

),

both_ways as (

    select
        data_set_id,
        problem_id,
        implementation_a as implementation_id,
        implementation_b as other_id,
        agreement
    from agreements
    union all
    select
        data_set_id,
        problem_id,
        implementation_b as implementation_id,
        implementation_a as other_id,
        agreement
    from agreements

),

means as (

    select
        both_ways.data_set_id,
        both_ways.problem_id,
        both_ways.implementation_id,
        avg(both_ways.agreement) as agreement
    from both_ways
    inner join assessments as others
        on
            both_ways.data_set_id = others.data_set_id
            and both_ways.problem_id = others.problem_id
            and both_ways.other_id = others.implementation_id
    where others.is_voter
    group by both_ways.data_set_id, both_ways.problem_id, both_ways.implementation_id

),

final as (

    select assessments.*
    from assessments
    left join means
        on
            assessments.data_set_id = means.data_set_id
            and assessments.problem_id = means.problem_id
            and assessments.implementation_id = means.implementation_id
    where
        (not assessments.is_voter and assessments.mbr_score is not null)
        or (assessments.is_voter and (assessments.mbr_score is null) <> (means.agreement is null))
        or abs(assessments.mbr_score - means.agreement) > 0.000001

)

select * from final
