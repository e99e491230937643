{#- Query: the invalid rows of renamed tests, each with its fault. A name that is renamed again would make the result
    depend on the order of the rows. So where the second row applies, too, a test must have its latest name: by a more
    specific row, if the first row applies elsewhere. -#}
{% macro faulty_renamed_tests(relation) -%}
    select
        data_set_id,
        problem_id,
        from_test_id,
        max(fault) as fault
    from (
        select
            data_set_id,
            problem_id,
            from_test_id,
            case
                when from_test_id is null or to_test_id is null then 'both names of the test are needed'
                when from_test_id = to_test_id then 'both names of the test are the same'
                when count(*) over (partition by data_set_id, problem_id, from_test_id) > 1
                    then 'the test is renamed twice for the same problems'
            end as fault
        from {{ relation }}
        union all
        select
            renamed.data_set_id,
            renamed.problem_id,
            renamed.from_test_id,
            renamed.to_test_id || ' is renamed to ' || later.to_test_id || ': ' || case
                when renamed.from_test_id = later.to_test_id then 'names cannot be exchanged'
                else 'rename ' || renamed.from_test_id || ' to ' || later.to_test_id || ', too'
            end as fault
        from {{ relation }} as renamed
        inner join {{ relation }} as later
            on
                renamed.to_test_id = later.from_test_id
                and renamed.from_test_id <> renamed.to_test_id
                and coalesce(renamed.data_set_id = later.data_set_id, true)
                and coalesce(renamed.problem_id = later.problem_id, true)
        left join {{ relation }} as specific
            on
                renamed.from_test_id = specific.from_test_id
                and coalesce(specific.data_set_id, renamed.data_set_id, later.data_set_id, '')
                = coalesce(renamed.data_set_id, later.data_set_id, '')
                and coalesce(specific.problem_id, renamed.problem_id, later.problem_id, '')
                = coalesce(renamed.problem_id, later.problem_id, '')
                and {{ obslake.specificity('specific.problem_id', 'specific.data_set_id') }}
                > {{ obslake.specificity('renamed.problem_id', 'renamed.data_set_id') }}
        where specific.from_test_id is null
    ) as faults
    where fault is not null
    group by data_set_id, problem_id, from_test_id
{%- endmacro %}
