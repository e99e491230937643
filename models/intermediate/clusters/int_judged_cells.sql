-- The cells of the implementations by whose cells others are judged. A response to another content of a stimulus
-- cannot be compared with the responses to the current one: it has no hash and no verdict here.

{{ config(materialized='view') }}

{%- set implementation = ['data_set_id', 'problem_id', 'implementation_id'] %}

with

representative_cells as (

    select * from {{ obslake.relation_without_database(ref('int_representative_cells')) }}

),

matrix_cells as (

    select * from {{ obslake.relation_without_database(ref('int_matrix_cells')) }}

),

other_contents as (

    select * from {{ obslake.relation_without_database(ref('int_other_contents')) }}

),

unlike_others as (

    select distinct {{ implementation | join(', ') }}
    from other_contents

),

judged_alone as (

    select * from {{ obslake.relation_without_database(ref('int_judged_implementations')) }}
    where is_judged_alone

),

final as (

    select
        representative_cells.data_set_id,
        representative_cells.problem_id,
        representative_cells.test_id,
        representative_cells.step_id,
        representative_cells.implementation_id,
        representative_cells.response_hash,
        representative_cells.is_right_verdict,
        true as is_current_content,
        representative_cells.problem_no
    from representative_cells
    left join unlike_others
        on {{ obslake.equal_columns('representative_cells', 'unlike_others', implementation) | indent(12) }}
    where unlike_others.implementation_id is null
    union all
    select
        matrix_cells.data_set_id,
        matrix_cells.problem_id,
        matrix_cells.test_id,
        matrix_cells.step_id,
        matrix_cells.implementation_id,
        case when other_contents.implementation_id is null then matrix_cells.response_hash end as response_hash,
        case
            when other_contents.implementation_id is null
                then {{ obslake.is_right_verdict('matrix_cells.response_kind', 'matrix_cells.response') }}
        end as is_right_verdict,
        other_contents.implementation_id is null as is_current_content,
        matrix_cells.problem_no
    from matrix_cells
    inner join judged_alone
        on {{ obslake.equal_columns('matrix_cells', 'judged_alone', implementation) | indent(12) }}
    left join other_contents
        on
            matrix_cells.problem_no = other_contents.problem_no
            and {{ obslake.equal_columns(
                'matrix_cells', 'other_contents', implementation + ['test_id', 'step_id']
            ) | indent(12) }}

)

select * from final
