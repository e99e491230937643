"""obslake: an observation lakehouse.

The loader appends what software did when it was stimulated to Apache Iceberg tables. What the rows
mean is defined in the dbt project beside it, in SQL.
"""

from importlib.metadata import version

__version__ = version("obslake")
