-- The version of each problem that each model holds. Every model keeps its own rows, together with its data: an
-- interrupted run leaves what was built, and what was not.

{{ config(materialized='incremental', incremental_strategy='append') }}

select
    cast('' as string) as model,
    cast('' as string) as data_set_id,
    cast('' as string) as problem_id,
    cast('' as string) as version
where 1 = 0
