"""Check pytest-obslake against the test suites of real distributions: ``make suites``."""
