-- The rules by which responses to a problem with different texts are equal. A problem without rules has no row.

{{ config(materialized='table') }}

{%- do obslake.check_seed(
    'response_equivalences',
    obslake.faulty_response_equivalences(ref('stg_response_equivalences')),
    ['data set', 'problem', 'rule']
) %}

with

problems as (

    select distinct
        data_set_id,
        problem_id
    from {{ ref('refresh_load_problems') }}
    where problem_id is not null

),

equivalences as (

    select
        data_set_id,
        problem_id,
        rule,
        argument,
        case when problem_id is null then 0 else 2 end + case when data_set_id is null then 0 else 1 end as specificity
    from {{ ref('stg_response_equivalences') }}

),

matching as (

    select
        problems.data_set_id,
        problems.problem_id,
        equivalences.rule,
        equivalences.argument,
        equivalences.specificity,
        max(equivalences.specificity) over (
            partition by problems.data_set_id, problems.problem_id
        ) as greatest_specificity
    from problems
    inner join equivalences
        on
            problems.data_set_id = coalesce(equivalences.data_set_id, problems.data_set_id)
            and problems.problem_id = coalesce(equivalences.problem_id, problems.problem_id)

),

rules as (

    select
        data_set_id,
        problem_id,
        max(case when rule = 'exception_class' then 1 else 0 end) = 1 as is_by_exception_class,
        max(case when rule = 'json' then 1 else 0 end) = 1 as is_by_key,
        max(case when rule = 'significant_digits' then try_cast(argument as int) end) as significant_digits,
        max(case when rule = 'unordered' then coalesce(argument, 'all') end) as unordered_arrays
    from matching
    where specificity = greatest_specificity and rule <> 'exact'
    group by data_set_id, problem_id

),

final as (

    select
        data_set_id,
        problem_id,
        is_by_exception_class,
        is_by_key or significant_digits is not null or unordered_arrays is not null as is_json,
        is_by_key,
        significant_digits,
        unordered_arrays,
        md5(concat_ws(
            ':',
            cast(is_by_exception_class as string),
            cast(is_by_key as string),
            cast(significant_digits as string),
            unordered_arrays
        )) as version
    from rules

)

select * from final
