-- Tables for the contents of test reports, filled while they are read.
--
-- Out: tables `report_files`, `report_results`, `report_suites`, `report_properties`, `report_classes`.

create temp table report_files (
    file_id int,
    name varchar,
    format varchar,
    n_replaced bigint,
    n_cases bigint,
    stem varchar,
    written_stem varchar,
    modified_at varchar,
    run varchar,
    environment varchar,
    revision varchar,
    implementation varchar,
    lineage varchar,
    problem varchar,
    data_set varchar,
    branch varchar
);

-- One row per attempt at a case: `position` counts the cases of a file, `attempt` the attempts of a case.
create temp table report_results (
    file_id int,
    position bigint,
    attempt int,
    suite_number int,
    is_outside int,
    suite varchar,
    suite_group varchar,
    any_suite varchar,
    classname varchar,
    name varchar,
    file varchar,
    file_label varchar,
    reference varchar,
    verdict varchar,
    type varchar,
    message varchar,
    time varchar,
    timestamp varchar,
    suite_timestamp varchar
);

-- One row per completed suite; number 0 is for cases outside all suites.
create temp table report_suites (
    file_id int,
    suite_number int,
    written varchar,
    name varchar,
    project varchar,
    label varchar,
    host_label varchar,
    version_label varchar,
    unexplained bigint,
    missing bigint
);

create temp table report_properties (
    file_id int,
    suite_number int,
    suite varchar,
    name varchar,
    value varchar
);

-- TRX lists classes separately from results.
create temp table report_classes (file_id int, reference varchar, classname varchar);
