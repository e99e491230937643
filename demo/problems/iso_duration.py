"""Parse an ISO 8601 duration.

The response is [months, seconds]: years and months have no fixed length, so a parser that keeps them
separate returns them in the first number, and one that converts them to days adds them to the second.
"""

# ruff: noqa: RUF001 - look-alike characters are part of the stimuli

from problems import Problem

PROBLEM = Problem("iso_duration", {"parse": "parse(text: str) -> list"})

TEXTS = [
    "PT0S", "P0D", "P1D", "P1W", "P2W", "P1M", "PT1M", "P1Y", "P1Y2M", "P1Y2M3D", "P1Y2M3DT4H5M6S",
    "P3Y6M4DT12H30M5S", "PT1H", "PT36H", "PT90M", "PT3600S", "PT1H30M", "PT1H30S", "PT12H30M5S",
    "PT0.5S", "PT0,5S", "PT1.5H", "PT1.5M", "P0.5D", "P0.5Y", "P0.5M", "P1.5W", "P1,5D", "PT.5S",
    "PT1.S", "PT1.5H30M", "PT0.1S", "PT0.123456S", "PT0.1234567S", "PT0.000001S", "PT0.0000001S",
    "PT1.999999999S", "PT60S", "PT61M", "PT25H", "P400D", "P13M", "P365D", "P0Y0M0DT0H0M0S",
    "P001D", "P00000000001D", "-P1D", "+P1D", "-PT1H", "P-1D", "PT-1H", "P+1D", "-P-1D", "PT-0S",
    "P1DT-1H", "-P1Y2M", "P1Y1W", "P1W1D", "P1WT1H", "P", "PT", "P1DT", "P1", "1D", "PD", "PTS",
    "P1H", "P1S", "PT1D", "PT1Y", "P1D2Y", "PT1S1M", "P1D1D", "p1d", "pt1h", "P1d", "P 1D", " P1D",
    "P1D ", "P1D\n", "P1Y 2M", "PT1H30", "P1Y2M3D4H", "P1DT1H2", "P0003-06-04T12:30:05",
    "P00030604T123005", "P2000-02-30T00:00:00", "P1X", "P1D/P2D", "PT1e3S", "PT1_0S", "P１D",
    "P१D", "P1D\x00", "PT9223372036854775807S", "P999999999D", "P1000000000D", "P99999999999999D",
    "P9999Y", "P10000Y", "PT1000000000000000000000S", "PT99999999999H", "", " ", "hello",
    "1 day, 0:00:00", "1:30", "P1D T1H", "PT1H,30M", "P--1D", "PTnanS", "PTinfS",
]  # fmt: skip
for text in TEXTS:
    PROBLEM.test(f"text_{text.encode('unicode_escape').decode()}", text)
for name, argument in {"none": None, "integer": 5, "bytes": b"P1D", "list": ["P1D"]}.items():
    PROBLEM.test(f"not_text_{name}", argument)


@PROBLEM.implementation("isodate", "isodate")
def isodate_parse_duration(text):
    import isodate

    duration = isodate.parse_duration(text)
    if isinstance(duration, isodate.Duration):
        months = duration.years * 12 + duration.months
        return [float(months), duration.tdelta.total_seconds()]
    return [0.0, duration.total_seconds()]


@PROBLEM.implementation("isoduration", "isoduration")
def isoduration_parse_duration(text):
    import isoduration

    duration = isoduration.parse_duration(text)
    date, time = duration.date, duration.time
    days = date.weeks * 7 + date.days
    seconds = ((days * 24 + time.hours) * 60 + time.minutes) * 60 + time.seconds
    return [float(date.years * 12 + date.months), float(seconds)]


@PROBLEM.implementation("aniso8601", "aniso8601")
def aniso8601_parse_duration(text):
    import aniso8601

    return [0.0, aniso8601.parse_duration(text).total_seconds()]


@PROBLEM.implementation("pendulum", "pendulum")
def pendulum_parse(text):
    import pendulum

    duration = pendulum.parse(text)
    # Its total counts years as 365 days and months as 30, and still tells how many there were.
    days = duration.years * 365 + duration.months * 30
    months = duration.years * 12 + duration.months
    return [float(months), duration.total_seconds() - days * 86400]


@PROBLEM.implementation("whenever", "whenever")
def whenever_itemized_delta(text):
    from whenever import ItemizedDelta

    parts = dict(ItemizedDelta.parse_iso(text).items())
    days = parts.get("weeks", 0) * 7 + parts.get("days", 0)
    minutes = (days * 24 + parts.get("hours", 0)) * 60 + parts.get("minutes", 0)
    seconds = minutes * 60 + parts.get("seconds", 0) + parts.get("nanoseconds", 0) / 1e9
    return [float(parts.get("years", 0) * 12 + parts.get("months", 0)), float(seconds)]


@PROBLEM.implementation("metomi-isodatetime", "metomi.isodatetime.parsers")
def metomi_duration_parser(text):
    from metomi.isodatetime.parsers import DurationParser

    duration = DurationParser().parse(text)
    days = (duration.weeks or 0) * 7 + (duration.days or 0)
    minutes = (days * 24 + (duration.hours or 0)) * 60 + (duration.minutes or 0)
    months = (duration.years or 0) * 12 + (duration.months or 0)
    return [float(months), float(minutes * 60 + (duration.seconds or 0))]


@PROBLEM.implementation("msgspec", "msgspec")
def msgspec_timedelta(text):
    import datetime

    import msgspec

    return [0.0, msgspec.convert(text, datetime.timedelta).total_seconds()]
