-- The rules by which responses to tests of a problem with different texts are equal: those for tests of each pattern,
-- and those for all other tests. A problem without rules has no row.

{{ config(materialized='table') }}

{%- do obslake.check_seed(
    'response_equivalences',
    obslake.faulty_response_equivalences(ref('stg_response_equivalences')),
    ['data set', 'problem', 'test', 'rule']
) %}
{%- do obslake.tell_unmatched_scopes(
    'response_equivalences', ref('stg_response_equivalences'), ref('refresh_load_problems')
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
        coalesce(test_pattern, '') as test_pattern,
        rule,
        argument,
        {{ obslake.specificity('problem_id', 'data_set_id') }} as specificity
    from {{ ref('stg_response_equivalences') }}

),

matching as (

    select
        problems.data_set_id,
        problems.problem_id,
        equivalences.test_pattern,
        equivalences.rule,
        equivalences.argument,
        equivalences.specificity,
        max(equivalences.specificity) over (
            partition by problems.data_set_id, problems.problem_id, equivalences.test_pattern
        ) as greatest_specificity,
        max(case when equivalences.test_pattern = '' then equivalences.specificity else 0 end) over (
            partition by problems.data_set_id, problems.problem_id
        ) as specificity_for_all_tests
    from problems
    inner join equivalences
        on
            problems.data_set_id = coalesce(equivalences.data_set_id, problems.data_set_id)
            and problems.problem_id = coalesce(equivalences.problem_id, problems.problem_id)

),

-- Rules for all tests of a more specific scope apply to the tests of a pattern, too. Tests of a pattern that is exact
-- need a row, which keeps the rules for all tests from them.
rules as (

    select
        data_set_id,
        problem_id,
        test_pattern,
        specificity,
        max(case when rule = 'exception_class' then 1 else 0 end) = 1 as is_by_exception_class,
        max(case when rule in ('json', 'python_equality') then 1 else 0 end) = 1 as is_by_key,
        max(case
            when rule = 'python_equality' or (rule = 'json' and argument = 'spelling') then 1
            else 0
        end) = 1 as is_by_spelling,
        max(case when rule = 'significant_digits' then try_cast(split_part(argument, ' ', 1) as int) end)
            as significant_digits,
        max(case when rule = 'significant_digits' and argument like '% in text' then 1 else 0 end) = 1
            as is_rounded_in_text,
        max(case when rule = 'unordered' then coalesce(argument, 'all') end) as unordered_arrays,
        max(case when rule = 'python_equality' then 1 else 0 end) = 1 as is_by_python,
        max(case when rule = 'python_equality' and argument = 'sequences' then 1 else 0 end) = 1 as is_by_sequence,
        max(case when rule = 'unicode' then 1 else 0 end) = 1 as is_by_unicode,
        max(case when rule = 'case' then 1 else 0 end) = 1 as is_by_case,
        max(case when rule = 'whitespace' then 1 else 0 end) = 1 as is_by_whitespace,
        {{ obslake.ordered_list_text(
            "case when rule = 'mask' and argument not like '/%' then argument end", 'argument'
        ) }} as masks,
        {{ obslake.ordered_list_text(
            "case when rule = 'mask' and argument like '/%' then " ~ obslake.mask_expression('argument') ~ " end",
            'argument',
            separator='|'
        ) }} as mask_expression
    from matching
    where
        specificity = greatest_specificity
        and specificity >= specificity_for_all_tests
        and (test_pattern <> '' or rule <> 'exact')
    group by data_set_id, problem_id, test_pattern, specificity

),

ranked as (

    select
        data_set_id,
        problem_id,
        test_pattern,
        row_number() over (
            partition by data_set_id, problem_id
            order by
                specificity desc,
                case when test_pattern = '' then 1 else 0 end,
                length(replace(test_pattern, '*', '')) desc,
                test_pattern
        ) as precedence,
        is_by_exception_class,
        is_by_key
        or significant_digits is not null
        or unordered_arrays is not null
        or is_by_unicode
        or is_by_case
        or is_by_whitespace as is_json,
        is_by_key,
        is_by_spelling,
        significant_digits,
        is_rounded_in_text,
        unordered_arrays,
        is_by_python,
        is_by_sequence,
        is_by_unicode,
        is_by_case,
        is_by_whitespace,
        nullif(masks, '') as masks,
        nullif(mask_expression, '') as mask_expression
    from rules

),

final as (

    select
        *,
        md5(concat_ws(
            ':',
            md5(test_pattern),
            cast(precedence as string),
            cast(is_by_exception_class as string),
            cast(is_by_key as string),
            cast(is_by_spelling as string),
            coalesce(cast(significant_digits as string), ''),
            cast(is_rounded_in_text as string),
            coalesce(unordered_arrays, ''),
            cast(is_by_python as string),
            cast(is_by_sequence as string),
            cast(is_by_unicode as string),
            cast(is_by_case as string),
            cast(is_by_whitespace as string),
            coalesce(masks, ''),
            coalesce(mask_expression, '')
        )) as version
    from ranked

)

select * from final
