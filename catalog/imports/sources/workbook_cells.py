"""The values of a workbook's cells as a person would type them."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

UNCALCULATED = "#UNCALCULATED!"  # stands for a formula whose value the file does not hold
SCIENTIFIC_BELOW = 1e15  # beyond this a float no longer holds every whole number
DAY = 86_400  # seconds
HOUR, MINUTE = 3_600, 60
LEAP_ERROR = 60  # the serial number of 29 February 1900, a day that never was and spreadsheets count
LAST_SERIAL = 2_958_465  # 31 December 9999
FIRST_SURE_DATE = date(1900, 3, 1)  # before it, two serial numbers are read as one date
QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
BUILT_IN_DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}
BUILT_IN_DURATION = 46


class Doubtful(Exception):
    """The value is not what the file holds."""


def text(cell: Any) -> str:
    """Return the text of a value as calamine reads it: 1964.0 as 1964, dates in ISO 8601.

    Raise Doubtful for those that it makes of what is no date: 29 February 1900, dates below zero.
    """
    if cell is None or cell == "":
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return number(cell)
    if isinstance(cell, timedelta):
        return duration(cell.total_seconds())
    if isinstance(cell, time):
        if cell == time():
            raise Doubtful
        return cell.isoformat()
    return moment(cell) if isinstance(cell, date) else str(cell)


def moment(value: date) -> str:
    """Return a date, or a date and time; raise Doubtful for one that calamine may have made up."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if value.date() < FIRST_SURE_DATE:
        raise Doubtful
    return _written(value)


def _written(value: datetime) -> str:
    """Return the moment, to the whole second where it is that but for the error of a float."""
    whole = (value + timedelta(milliseconds=500)).replace(microsecond=0)
    if abs(value - whole) <= timedelta(milliseconds=1):
        value = whole
    return value.date().isoformat() if value.time() == time() else value.isoformat()


def number(cell: float) -> str:
    if abs(cell) >= SCIENTIFIC_BELOW:
        return format(Decimal(repr(cell)), "f")
    if cell == int(cell):
        return str(int(cell))
    # Spreadsheets keep 15 digits: 0.1 + 0.2 is shown, and meant, as 0.3.
    return format(Decimal(format(cell, ".15g")), "f")


def duration(seconds: float) -> str:
    """Return hours, minutes and seconds; a duration may have more hours than a day."""
    sign, rest = "-" if seconds < 0 else "", round(abs(seconds), 3)
    whole = int(rest)
    clock = f"{whole // HOUR:02}:{whole // MINUTE % MINUTE:02}:{whole % MINUTE:02}"
    fraction = f"{rest - whole:.3f}"[1:].rstrip("0").rstrip(".")
    return sign + clock + fraction


def serial_text(serial: float, *, since_1904: bool) -> str:
    """Return the date, time, or date and time that a serial number stands for; the number where it is none."""
    if since_1904:
        serial += 1462
    if not 0 <= serial <= LAST_SERIAL:
        return number(serial)
    if serial < 1:
        return duration(round(serial * DAY))
    if int(serial) == LEAP_ERROR:
        return "1900-02-29"
    first = date(1899, 12, 31 if serial < LEAP_ERROR else 30)
    return _written(datetime.combine(first, time()) + timedelta(milliseconds=round(serial * DAY * 1000)))


def format_kind(number_format: str) -> str:
    """Return what a number format makes of a number: "date", "duration", zeros such as "00000", or "" for none."""
    plain = QUOTED.sub("", number_format.partition(";")[0])
    if re.fullmatch("0{2,}", plain):
        return plain
    if re.search(r"\[(h+|m+|s+)\]", plain, re.IGNORECASE):
        return "duration"
    return "date" if re.search("[dmyhs]", plain, re.IGNORECASE) and "general" not in plain.lower() else ""


def built_in_kind(number_format: int) -> str:
    if number_format == BUILT_IN_DURATION:
        return "duration"
    return "date" if number_format in BUILT_IN_DATES else ""
