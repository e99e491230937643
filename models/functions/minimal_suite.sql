{{ config(parameters=['data_set', 'problem']) }}

{#-
-- sqlfluff:indentation:template_blocks_indent:false
-#}
{%- if obslake.leaves_out('suites') %}
select error('discriminating_tests is left empty: see the variable obslake_leave_out')
{%- else %}
with

{{ obslake.unknown_name({'problem': 'problem'}) }}

select
    suite_rank,
    test_id,
    n_steps,
    n_pairs_newly_split,
    n_pairs_split,
    n_distinct_columns,
    entropy
from {{ obslake.relation_without_database(ref('discriminating_tests')) }}
where data_set_id = data_set and problem_id = problem and is_in_minimal_suite
union all
{{ obslake.unknown_name_row(7) }}
order by suite_rank
{%- endif %}
