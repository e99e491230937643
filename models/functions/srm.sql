{{ config(parameters=['data_set', 'problem']) }}

with

{{ obslake.unknown_name({'problem': 'problem'}) }}

select
    test_id,
    step_id,
    implementation_id,
    response,
    response_kind,
    operation,
    target,
    inputs,
    is_stable
from {{ obslake.read_by_number(obslake.relation_without_database(ref('int_actuations'))) }}
where data_set_id = data_set and problem_id = problem and is_cell
union all
{{ obslake.unknown_name_row(9) }}
