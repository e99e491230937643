-- From which snapshot of observations each model was built, when it was last run, and by which rules.

{{ config(materialized='incremental', incremental_strategy='append') }}

select
    cast('' as string) as model,
    cast(0 as bigint) as snapshot_id,
    cast('' as string) as digest,
    cast('' as string) as rules
where 1 = 0
