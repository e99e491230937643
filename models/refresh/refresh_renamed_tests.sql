-- The tests of each problem that got another name. Their rows count as rows of the new name. A problem without such
-- tests has no row.

{{ config(materialized='table') }}

{%- do obslake.check_seed(
    'renamed_tests',
    obslake.faulty_renamed_tests(ref('stg_renamed_tests')),
    ['data set', 'problem', 'test']
) %}
{%- do obslake.tell_unmatched_scopes('renamed_tests', ref('stg_renamed_tests'), ref('refresh_load_problems')) %}

with

problems as (

    select distinct
        data_set_id,
        problem_id
    from {{ ref('refresh_load_problems') }}
    where problem_id is not null

),

renamed as (

    select
        *,
        {{ obslake.specificity('problem_id', 'data_set_id') }} as specificity
    from {{ ref('stg_renamed_tests') }}

),

ranked as (

    select
        problems.data_set_id,
        problems.problem_id,
        renamed.from_test_id,
        renamed.to_test_id,
        row_number() over (
            partition by problems.data_set_id, problems.problem_id, renamed.from_test_id
            order by renamed.specificity desc
        ) as precedence
    from problems
    inner join renamed
        on
            problems.data_set_id = coalesce(renamed.data_set_id, problems.data_set_id)
            and problems.problem_id = coalesce(renamed.problem_id, problems.problem_id)

),

final as (

    select
        data_set_id,
        problem_id,
        from_test_id,
        to_test_id
    from ranked
    where precedence = 1

)

select * from final
