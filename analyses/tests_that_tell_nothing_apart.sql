-- Which tests never tell implementations apart? The number and share of tests of a problem in which all
-- implementations answer every step alike.

with

matrix as (

    select * from {{ ref('stimulus_response_matrix') }}
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

stimuli as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        count(*) as n_implementations,
        count(distinct response_hash) as n_distinct_responses
    from matrix
    group by data_set_id, problem_id, test_id, step_id

),

tests as (

    select
        data_set_id,
        problem_id,
        test_id,
        -- A step that only some implementations executed tells them apart, too.
        case
            when max(n_distinct_responses) = 1 and min(n_implementations) = max(n_implementations) then 1 else 0
        end as is_alike
    from stimuli
    group by data_set_id, problem_id, test_id

),

final as (

    select
        data_set_id,
        problem_id,
        count(*) as n_tests,
        sum(is_alike) as n_alike,
        avg(cast(is_alike as double)) as alike_share,
        min(case when is_alike = 1 then test_id end) as one_of_them
    from tests
    group by data_set_id, problem_id

)

select * from final
order by alike_share desc, data_set_id asc, problem_id asc
