-- Parse timestamps of test reports; without a zone they are in UTC, the session's time zone.
--
-- Out: macros `orderly_moment`, `moment_in_utc`, `is_ambiguous_moment`.

-- Normalizes a timestamp: single blanks, a point before fractions, separators in `20240805T100000`, the year of
-- `Mon Aug 5 10:00:00 2024` before the time, no zone name beside an offset.
create or replace temp macro orderly_moment(moment) as
regexp_replace(
    regexp_replace(
        regexp_replace(
        regexp_replace(
            regexp_replace(regexp_replace(trim(moment), '\s+', ' ', 'g'), '(:\d\d),(\d+)', '\1.\2'),
            '^(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)(\D|$)', '\1-\2-\3 \4:\5:\6\7'
        ),
        '([+-]\d\d:?\d\d|Z|GMT|UTC)\s?(?:\[[\w/+-]+\]|\([^()]*\))$', '\1'
    ),
    '([+-]\d\d:?\d\d) [A-Z]{1,5}$', '\1'
    ),
    '^([A-Za-z]{3} [A-Za-z]{3} \d{1,2}) (\d\d:\d\d:\d\d) (\d{4})$', '\1 \3 \2'
);

-- In dates with slashes the first number is the month if it can be one.
create or replace temp macro moment_in_utc(moment) as
coalesce(
    if(
        regexp_full_match(moment, '\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?'),
        try_cast(regexp_replace(moment, '([T ]\d\d:\d\d)$', '\1:00') as timestamp),
        null
    ),
    if(
        regexp_full_match(moment, '\d{4}/\d\d/\d\d \d\d:\d\d(:\d\d(\.\d+)?)?'),
        try_cast(regexp_replace(replace(moment, '/', '-'), '( \d\d:\d\d)$', '\1:00') as timestamp),
        null
    ),
    try_strptime(
        moment,
        [
            '%a, %d %b %Y %H:%M:%S',
            '%a, %d %b %Y %H:%M',
            '%d %b %Y %H:%M:%S',
            '%a %b %d %Y %H:%M:%S',
            '%a %b %d %H:%M:%S %Y',
            '%b %d, %Y %I:%M:%S %p',
            '%b %d, %Y, %I:%M:%S %p',
            '%b %d, %Y %H:%M:%S',
            '%m/%d/%Y %I:%M:%S %p',
            '%m/%d/%Y, %I:%M:%S %p',
            '%m/%d/%Y %I:%M %p',
            '%d/%m/%Y %I:%M:%S %p',
            '%Y-%m-%d %I:%M:%S %p',
            '%m/%d/%Y %H:%M:%S',
            '%d/%m/%Y %H:%M:%S',
            '%d.%m.%Y %H:%M:%S'
        ]
    ),
    if(
        regexp_full_match(moment, '\d{10}(\.\d+)?'),
        make_timestamp(cast(try_cast(moment as double) * 1e6 as bigint)),
        null
    ),
    if(
        regexp_full_match(moment, '\d{13}'),
        make_timestamp(cast(try_cast(moment as double) * 1e3 as bigint)),
        null
    )
);

-- Whether day and month are ambiguous.
create or replace temp macro is_ambiguous_moment(moment) as
regexp_matches(trim(moment), '^(0?[1-9]|1[0-2])/(0?[1-9]|1[0-2])/\d{4}')
and regexp_extract(trim(moment), '^0?(\d+)/0?(\d+)/', 1) <> regexp_extract(trim(moment), '^0?(\d+)/0?(\d+)/', 2)
and not regexp_matches(trim(moment), '(?i)[AP]M');
