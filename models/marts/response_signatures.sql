-- A hash of the behaviour of an implementation in one run: hashes are equal exactly if the behaviour is equal.

with

run_columns as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_run_signatures'))) }}
    where n_steps > 0

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        signature,
        stimuli_signature,
        n_tests,
        n_steps,
        first_executed_at,
        is_set_aside
    from run_columns

)

select * from final
