-- What test reports say, row by row as it is read.

create temp table report_files (
    file_id int,
    name varchar,
    format varchar,
    n_replaced bigint,
    stem varchar,
    modified_at varchar,
    run varchar,
    environment varchar,
    revision varchar,
    implementation varchar,
    lineage varchar,
    problem varchar,
    data_set varchar
);

-- One row per attempt at a case: `position` counts the cases of a file, `attempt` the attempts of a case.
create temp table report_results (
    file_id int,
    position bigint,
    attempt int,
    suite varchar,
    suite_group varchar,
    any_suite varchar,
    classname varchar,
    name varchar,
    file varchar,
    reference varchar,
    verdict varchar,
    type varchar,
    message varchar,
    time varchar,
    timestamp varchar
);

create temp table report_properties (file_id int, suite varchar, name varchar, value varchar);

-- TRX files the classes apart from the results.
create temp table report_classes (file_id int, reference varchar, classname varchar);
