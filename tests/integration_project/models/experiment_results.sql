-- Observations by the names that obslake knows; the columns it does not find take their defaults.
select
    'mine' as data_set_id,
    task as problem_id,
    candidate as implementation_id,
    example as test_id,
    answer as output
from {{ ref('raw_results') }}
