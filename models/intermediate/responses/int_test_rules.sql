-- The tests whose responses are equal by rules of their own: those whose latest name matches a pattern.

with

rules as (

    select
        data_set_id,
        problem_id,
        test_pattern,
        precedence,
        {{ obslake.like_pattern('test_pattern') }} as names
    from {{ ref('refresh_response_rules') }}
    where test_pattern <> ''

),

problems as (

    select distinct
        data_set_id,
        problem_id
    from rules

),

renamed_tests as (

    select * from {{ ref('refresh_renamed_tests') }}

),

observed_tests as (

    select distinct
        observations.data_set_id,
        observations.problem_id,
        observations.test_id
    from {{ obslake.stale_rows(ref('stg_observations')) }} as observations
    inner join problems
        on observations.data_set_id = problems.data_set_id and observations.problem_id = problems.problem_id

),

tests as (

    select distinct
        observed_tests.data_set_id,
        observed_tests.problem_id,
        coalesce(renamed_tests.to_test_id, observed_tests.test_id) as test_id
    from observed_tests
    left join renamed_tests
        on
            observed_tests.data_set_id = renamed_tests.data_set_id
            and observed_tests.problem_id = renamed_tests.problem_id
            and observed_tests.test_id = renamed_tests.from_test_id

),

matching as (

    select
        tests.data_set_id,
        tests.problem_id,
        tests.test_id,
        rules.test_pattern,
        row_number() over (
            partition by tests.data_set_id, tests.problem_id, tests.test_id
            order by rules.precedence
        ) as place
    from tests
    inner join rules
        on
            tests.data_set_id = rules.data_set_id
            and tests.problem_id = rules.problem_id
            and tests.test_id like rules.names escape '/'

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        test_pattern
    from matching
    where place = 1

)

select * from final
