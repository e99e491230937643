"""obslake: an observation lakehouse.

The loader appends the observed behaviour of software to Apache Iceberg tables. The dbt project beside
it defines in SQL what the rows mean.
"""

from importlib.metadata import version

__version__ = version("obslake")
