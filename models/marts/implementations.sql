-- Implementations that were observed, with their source code and origin, if known.

with

implementations as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_implementations'))) }}

),

matrix_columns as (

    select * from {{ obslake.stale_rows(obslake.relation_without_database(ref('int_implementation_signatures'))) }}

),

final as (

    select
        implementations.data_set_id,
        implementations.problem_id,
        implementations.implementation_id,
        implementations.system,
        implementations.variant,
        implementations.adapter,
        implementations.lineage,
        implementations.revision,
        implementations.revised_at,
        matrix_columns.n_stimuli,
        implementations.content,
        implementations.content_hash,
        implementations.language,
        implementations.origin,
        implementations.licence
    from implementations
    inner join matrix_columns
        on
            implementations.data_set_id = matrix_columns.data_set_id
            and implementations.problem_id = matrix_columns.problem_id
            and implementations.implementation_id = matrix_columns.implementation_id

)

select * from final
