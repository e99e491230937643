-- A history of nightly runs: what `nights.py` writes.
--
-- In: variables `data_set`, `first_night`, `nights`, `environments`, `tests`, `problems`, `share`, `failing`,
--     `changing`, `flaky`.
-- Out: views `observations` and `implementations`.
--
-- All that looks random is the hash of a key, so that a night is the same whichever others are made with it.

create temp macro share_of(a, b, c) as cast(hash(a, b, c) >> 2 as bigint) % 1000000 / 1000000;

-- Every test fails for some nights in a row, then passes for many: two changes in each period.
create temp table tests as
select
    test,
    'test_' || lpad(cast(test as varchar), 5, '0') as test_id,
    'suite_' || lpad(cast(test % getvariable('problems') as varchar), 4, '0') as problem_id,
    cast(round(2 / getvariable('changing')) as bigint) as period,
    cast(hash(test) >> 2 as bigint) % cast(round(2 / getvariable('changing')) as bigint) as phase
from range(getvariable('tests')) as numbers (test);

create temp table nights as
select
    night,
    -- Commits do not come in the order of their names.
    substr(md5(getvariable('data_set') || night), 1, 12) as revision,
    'night_' || lpad(cast(night as varchar), 5, '0') as run_id,
    timestamptz '2024-01-01 02:00:00+00' + to_days(cast(night as integer)) as observed_at
from range(getvariable('first_night'), getvariable('first_night') + getvariable('nights')) as numbers (night);

create temp view verdicts as
select
    nights.*,
    tests.*,
    environment,
    (night + phase) % period < round(getvariable('failing') * period) as is_failing,
    share_of(night, test, environment) < getvariable('flaky') as is_flaky
from nights
cross join range(getvariable('environments')) as numbers (environment)
cross join tests
-- No environment runs all tests: each test runs in the first of some, chosen by its number.
where (test + environment) % getvariable('environments') < getvariable('share') * getvariable('environments');

-- Of the flaky verdicts half are tried again, and pass.
create temp view observations as
select
    getvariable('data_set') as data_set_id,
    problem_id,
    test_id,
    0 as step_id,
    revision as implementation_id,
    'environment_' || lpad(cast(environment as varchar), 2, '0') as environment_id,
    run_id,
    attempt,
    'test' as operation,
    case
        when is_failing or (is_flaky and attempt = 0) then 'failed@AssertionError@' || test_id || ' is not as expected'
        else 'passed'
    end as output,
    'verdict' as response_kind,
    cast(1000000 + cast(hash(test, environment) >> 2 as bigint) % 1000000000 as bigint) as duration_ns,
    observed_at + to_seconds(environment * 60 + attempt) as observed_at
from verdicts
cross join range(2) as numbers (attempt)
where attempt = 0 or (is_flaky and test % 2 = 0 and not is_failing);

create temp view implementations as
select distinct
    getvariable('data_set') as data_set_id,
    problem_id,
    revision as implementation_id,
    'main' as lineage,
    revision,
    observed_at as revised_at
from nights
cross join tests;
