-- The problems that each model built when it was last run, with the version it built; none where the problem is gone.

{{ config(materialized='incremental', incremental_strategy='append') }}

select
    cast('' as string) as model,
    cast('' as string) as data_set_id,
    cast('' as string) as problem_id,
    cast('' as string) as version,
    cast(0 as int) as problem_no
where 1 = 0
