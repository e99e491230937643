"""Building the marts: the dbt project, what a build depends on, and whether the marts are up to date."""
