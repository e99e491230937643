-- The number of a problem is that of no other: rows are found by it alone.

with

numbers as (

    select * from {{ ref('refresh_problem_numbers') }}

),

final as (

    select
        problem_no,
        count(*) as n_problems
    from numbers
    group by problem_no
    having count(*) > 1

)

select * from final
