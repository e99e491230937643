-- Observations with obslake's column names; missing columns have their defaults.
select
    'mine' as data_set_id,
    task as problem_id,
    candidate as implementation_id,
    example as test_id,
    answer as output
from {{ ref('raw_results') }}
