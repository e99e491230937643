"""Gives DuckDB access to the object store that PyIceberg is configured for."""

import os
from urllib.parse import urlsplit

import duckdb
from pyiceberg.io import (
    AWS_ACCESS_KEY_ID,
    AWS_REGION,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    S3_ACCESS_KEY_ID,
    S3_ENDPOINT,
    S3_FORCE_VIRTUAL_ADDRESSING,
    S3_REGION,
    S3_SECRET_ACCESS_KEY,
    S3_SESSION_TOKEN,
)
from pyiceberg.table import Table
from pyiceberg.typedef import Properties
from pyiceberg.utils.properties import get_first_property_value, property_as_bool

from obslake.engine import glob_literal, load_extensions, quote_identifier, quote_literal
from obslake.lakehouse.moved import LOCAL_SCHEMES

STORE_SCHEMES = ("s3", "s3a", "s3n")
_KEY_OF_ENVIRONMENT = "AWS_ACCESS_KEY_ID"


def configure_store(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Give DuckDB the access to a table's files that PyIceberg has, for this connection only.

    Without keys in PyIceberg's configuration or in the environment, no secret is created: it would take
    precedence over DuckDB's own secrets.
    """
    location = table.location().rstrip("/")
    scheme = urlsplit(location).scheme
    if scheme not in LOCAL_SCHEMES:
        load_extensions(connection, ["httpfs"])
    if scheme not in STORE_SCHEMES:
        return
    options = store_options(table.io.properties)
    if "key_id" not in options and _KEY_OF_ENVIRONMENT not in os.environ:
        return
    settings = ", ".join(f"{key} {quote_literal(value)}" for key, value in options.items())
    # Queries name data files by patterns, in which some characters are escaped.
    scopes = sorted({f"{location}/", f"{glob_literal(location)}/"})
    # Tables of different namespaces may have the same name.
    name = quote_identifier(".".join(("obslake", *table.name())))
    connection.execute(
        f"create or replace temporary secret {name} "
        f"(type s3, {settings}, scope [{', '.join(map(quote_literal, scopes))}])"
    )


def store_options(properties: Properties) -> dict[str, str]:
    """Translate PyIceberg's properties of a store into options of a DuckDB secret."""
    found = {
        "key_id": get_first_property_value(properties, S3_ACCESS_KEY_ID, AWS_ACCESS_KEY_ID),
        "secret": get_first_property_value(properties, S3_SECRET_ACCESS_KEY, AWS_SECRET_ACCESS_KEY),
        "session_token": get_first_property_value(properties, S3_SESSION_TOKEN, AWS_SESSION_TOKEN),
        "region": get_first_property_value(properties, S3_REGION, AWS_REGION),
    }
    options = {key: str(value) for key, value in found.items() if value}
    if endpoint := properties.get(S3_ENDPOINT):
        scheme, _, rest = endpoint.rpartition("://")
        options["endpoint"] = rest.rstrip("/")
        options["use_ssl"] = "false" if scheme == "http" else "true"
        # As in PyArrow: in stores other than AWS, buckets are seldom host names.
        is_virtual = property_as_bool(properties, S3_FORCE_VIRTUAL_ADDRESSING, False)
        options["url_style"] = "vhost" if is_virtual else "path"
    return options
