"""Parse an ISO 8601 date and time as an instant; a text without an offset is in UTC."""

# ruff: noqa: RUF001 - look-alike characters are part of the stimuli

from datetime import UTC, datetime

from problems import Problem

PROBLEM = Problem("iso_datetime", {"parse": "parse(text: str) -> datetime"})


def utc(value):
    """The same instant in UTC, as the standard library's type, without the package's own time zone."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    moved = aware.astimezone(UTC)
    fields = moved.year, moved.month, moved.day, moved.hour, moved.minute, moved.second
    return datetime(*fields, moved.microsecond, tzinfo=UTC)


TEXTS = [
    "2024-02-29T12:30:45", "2024-02-29T12:30:45Z", "2024-02-29T12:30:45z", "2024-02-29t12:30:45Z",
    "2024-02-29 12:30:45", "2024-02-29  12:30:45", "2024-02-29_12:30:45", "2024-02-29T12:30:45+00:00",
    "2024-02-29T12:30:45-00:00", "2024-02-29T12:30:45+01:00", "2024-02-29T12:30:45-0530",
    "2024-02-29T12:30:45+01", "2024-02-29T12:30:45+1", "2024-02-29T12:30:45+01:00:30",
    "2024-02-29T12:30:45+23:59", "2024-02-29T12:30:45+24:00", "2024-02-29T12:30:45+14:60",
    "2024-02-29T12:30:45 +01:00", "2024-02-29T12:30:45\u221201:00", "2024-02-29T12:30:45 UTC",
    "2024-02-29T12:30", "2024-02-29T12:30Z", "2024-02-29T12", "2024-02-29T12Z", "2024-02-29T",
    "2024-02-29", "2024-02", "2024", "20240229T123045", "20240229T123045Z", "20240229T1230",
    "20240229", "202402", "2024-02-29T123045", "20240229T12:30:45", "2024-0229T12:30:45",
    "2024-060T12:30:45", "2024060T123045", "2024-366T00:00:00", "2023-366T00:00:00",
    "2024-W09-4T12:30:45", "2024W094T123045", "2024-W53-1T00:00:00", "2020-W53-7T00:00:00",
    "2024-W09T00:00:00", "2024-W00-1T00:00:00", "2024-W09-8T00:00:00",
    "2024-02-29T12:30:45.5", "2024-02-29T12:30:45.123", "2024-02-29T12:30:45.123456",
    "2024-02-29T12:30:45.1234567", "2024-02-29T12:30:45.999999999", "2024-02-29T12:30:45,123",
    "2024-02-29T12:30:45.", "2024-02-29T12:30.5", "2024-02-29T12.5", "2024-02-29T12:30:45.5Z",
    "2024-02-29T24:00:00", "2024-02-29T24:00:01", "2024-12-31T24:00:00", "2024-02-29T12:60:00",
    "2024-02-29T25:00:00", "2024-02-29T12:30:60", "2016-12-31T23:59:60Z", "2024-02-29T12:30:61",
    "2023-02-29T00:00:00", "2024-02-30T00:00:00", "2024-13-01T00:00:00", "2024-00-01T00:00:00",
    "2024-01-00T00:00:00", "2100-02-29T00:00:00", "0001-01-01T00:00:00", "0000-01-01T00:00:00",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-01:00",
    "10000-01-01T00:00:00", "+2024-02-29T12:30:45", "-2024-02-29T12:30:45", "24-02-29T12:30:45",
    "2024-2-29T12:30:45", "2024-02-29T1:30:45", "2024-02-29T12:3:45", "2024/02/29T12:30:45",
    "29.02.2024 12:30:45", "Feb 29 2024 12:30:45", "Thu, 29 Feb 2024 12:30:45 GMT",
    " 2024-02-29T12:30:45", "2024-02-29T12:30:45 ", "2024-02-29T12:30:45\n", "2024-02-29T12:30:45\x00",
    "２０２４-02-29T12:30:45", "2024-02-29T१२:30:45", "2024-02-29T12:30:45[Europe/Paris]",
    "2024-02-29T12:30:45+01:00[Europe/Paris]", "2024-02-29T12:30:45Zjunk", "2024-02-29T12:30:45ZZ",
    "2024-02-29T12:30:45/2024-03-01T00:00:00", "1709209845", "", " ", "hello", "2024-02-29T-1:30:45",
]  # fmt: skip
for text in TEXTS:
    PROBLEM.test(f"text_{text.encode('unicode_escape').decode()}", text)
for name, argument in {
    "none": None,
    "integer": 1709209845,
    "bytes": b"2024-02-29T12:30:45",
}.items():
    PROBLEM.test(f"not_text_{name}", argument)


@PROBLEM.implementation("stdlib:datetime", "datetime")
def datetime_fromisoformat(text):
    from datetime import datetime

    return utc(datetime.fromisoformat(text))


@PROBLEM.implementation("python-dateutil", "dateutil.parser")
def dateutil_isoparse(text):
    from dateutil.parser import isoparse

    return utc(isoparse(text))


@PROBLEM.implementation("iso8601", "iso8601")
def iso8601_parse_date(text):
    import iso8601

    return utc(iso8601.parse_date(text))


@PROBLEM.implementation("aniso8601", "aniso8601")
def aniso8601_parse_datetime(text):
    import aniso8601

    return utc(aniso8601.parse_datetime(text))


@PROBLEM.implementation("isodate", "isodate")
def isodate_parse_datetime(text):
    import isodate

    return utc(isodate.parse_datetime(text))


@PROBLEM.implementation("ciso8601", "ciso8601")
def ciso8601_parse_datetime(text):
    import ciso8601

    return utc(ciso8601.parse_datetime(text))


@PROBLEM.implementation("pendulum", "pendulum")
def pendulum_parse(text):
    import pendulum

    return utc(pendulum.parse(text))


@PROBLEM.implementation("arrow", "arrow")
def arrow_get(text):
    import arrow

    return utc(arrow.get(text).datetime)


@PROBLEM.implementation("msgspec", "msgspec")
def msgspec_datetime(text):
    import datetime

    import msgspec

    return utc(msgspec.convert(text, datetime.datetime))
