{{ config(parameters=['data_set', 'problem']) }}

with

matrix as (

    select * from {{ obslake.relation_without_database(ref('stimulus_response_matrix')) }}
    where data_set_id = data_set and problem_id = problem

),

tests as (

    select * from {{ obslake.relation_without_database(ref('tests')) }}
    where data_set_id = data_set and problem_id = problem

),

implementations as (

    select * from {{ obslake.relation_without_database(ref('implementations')) }}
    where data_set_id = data_set and problem_id = problem

),

{{ obslake.unknown_name({'problem': 'problem'}) }}

select
    matrix.test_id,
    matrix.step_id,
    matrix.implementation_id,
    matrix.operation,
    matrix.target,
    matrix.inputs,
    matrix.response,
    matrix.response_kind,
    tests.stimulus_sheet,
    tests.interface,
    implementations.system,
    implementations.variant,
    implementations.adapter,
    implementations.language,
    implementations.origin,
    implementations.content
from matrix
left join tests on matrix.test_id = tests.test_id
left join implementations on matrix.implementation_id = implementations.implementation_id
union all
{{ obslake.unknown_name_row(16) }}
