{#- Query: the invalid rows of renamed tests, each with its fault. A name that is renamed again would make the result
    depend on the order of the rows, so the first row has to name the latest name, too. -#}
{% macro faulty_renamed_tests(relation) -%}
    select
        renamed.data_set_id,
        renamed.problem_id,
        renamed.from_test_id,
        max(case
            when renamed.from_test_id is null or renamed.to_test_id is null then 'both names of the test are needed'
            when renamed.from_test_id = renamed.to_test_id then 'both names of the test are the same'
            when renamed.n_same > 1 then 'the test is renamed twice for the same problems'
            else
                renamed.to_test_id || ' is renamed to ' || later.to_test_id || ': rename '
                || renamed.from_test_id || ' to ' || later.to_test_id || ', too'
        end) as fault
    from (
        select
            *,
            count(*) over (partition by data_set_id, problem_id, from_test_id) as n_same
        from {{ relation }}
    ) as renamed
    left join {{ relation }} as later
        on
            renamed.to_test_id = later.from_test_id
            and coalesce(renamed.data_set_id = later.data_set_id, true)
            and coalesce(renamed.problem_id = later.problem_id, true)
    where
        renamed.from_test_id is null
        or renamed.to_test_id is null
        or renamed.n_same > 1
        or later.from_test_id is not null
    group by renamed.data_set_id, renamed.problem_id, renamed.from_test_id
{%- endmacro %}
