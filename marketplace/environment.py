"""Reads configuration from environment variables.

Every reader takes the variable's name and the value to use when it is unset. A value that cannot be
used raises ImproperlyConfigured with one sentence that names the variable. `NAME_FILE`, when set,
names a file whose content (without the final line break) is the value of `NAME`.
"""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from marketplace.addresses import Network, read_network

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# As browsers write it: a usual port is left out.
ORIGIN = re.compile(
    r"(?!http:.*:80/?$|https:.*:443/?$)https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?/?"
)
HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")
MOST_KEPT = 250  # answers in this process's memory: 4 MB of lists of 20, 32 MB of the largest that are kept
CACHE_SECONDS = 0.25  # how long a request waits for Redis before it goes on without
DATABASE_EXAMPLE = "postgresql://user:password@host:5432/name"


def is_set(name: str) -> bool:
    """Return whether the variable, or the one that names its file, is set; empty counts as unset."""
    return bool(os.environ.get(f"{name}_FILE") or os.environ.get(name))


def text(name: str, default: str = "") -> str:
    """Return the variable's value; unset and empty both mean the default."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or default
    try:
        # As bytes: read as text, a line break of two characters inside a password would become one.
        return Path(path).read_bytes().decode().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {reason}.") from error


def flag(name: str, *, default: bool) -> bool:
    word = text(name).strip().lower()
    if not word:
        return default
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise ImproperlyConfigured(f"{name} must be true or false, not {word!r}.")
    return word in TRUE_WORDS


def integer(name: str, default: int, *, low: int, high: int) -> int:
    word = text(name, str(default)).strip()
    # isdecimal alone would admit digits of other scripts, which int() accepts too.
    if not (word.isascii() and word.isdecimal() and low <= int(word[:20]) <= high):
        raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}, not {word!r}.")
    return int(word)


def words(name: str, default: str = "") -> list[str]:
    """Split a comma-separated list; blanks are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def log_level(name: str) -> str:
    word = text(name, "INFO").strip().upper()
    if word not in LOG_LEVELS:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(LOG_LEVELS)}, not {word!r}.")
    return word


def hosts(name: str, default: list[str]) -> list[str]:
    """Read a list of host names as Django's ALLOWED_HOSTS takes them; an origin or a port in it would match nothing."""
    if not is_set(name):
        return default
    listed = words(name)
    if not listed or not all(HOST.fullmatch(word) for word in listed):
        raise ImproperlyConfigured(
            f"{name} must list host names like shop.example.com, without scheme and port, not {text(name)!r}."
        )
    return listed


def http_url(name: str, default: str = "") -> str:
    url = text(name, default).strip().rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(f"{name} must be an address like https://s3.example.com, not {url!r}.")
    return url


def origins(name: str) -> list[str]:
    """Read a list of web origins, each written as browsers write it; any other spelling would match nothing."""
    listed = words(name)
    for origin in listed:
        if not ORIGIN.fullmatch(origin):
            wrong = origin.rpartition("@")[2]  # what stands before an @ may be a password
            raise ImproperlyConfigured(
                f"{name} must list origins like https://shop.example.com, not {wrong!r}."
            )
    return [origin.rstrip("/") for origin in listed]


def networks(name: str) -> list[Network]:
    """Read a list of addresses and networks such as 10.0.0.0/8; empty when unset."""
    try:
        return [read_network(word) for word in words(name)]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must list addresses or networks like 10.0.0.0/8, and {error}."
        ) from error


def database(name: str, default: str) -> dict[str, Any]:
    """Turn a libpq address into Django's settings; libpq itself parses it, so all its forms work."""
    address = text(name, default).strip()
    parts = _parsed(name, address)
    named = {key: str(parts.pop(key, "")) for key in ("dbname", "user", "password", "host", "port")}
    _judge(name, **named)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": named["dbname"],
        "USER": named["user"],
        "PASSWORD": named["password"],
        "HOST": named["host"],
        "PORT": named["port"],
        "OPTIONS": parts,
    }


def _parsed(name: str, address: str) -> dict[str, Any]:
    if not address.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured(f"{name} must look like {DATABASE_EXAMPLE}.")
    if " " in address or not address.isprintable():
        raise ImproperlyConfigured(f"{name} holds spaces or other characters that must be percent-encoded.")
    try:
        return dict(conninfo_to_dict(address))
    except psycopg.ProgrammingError as error:
        # libpq says what is wrong and then quotes the address, password included; a log would show a cause too.
        reason = str(error).split(': "')[0].strip()
        raise ImproperlyConfigured(
            f"{name} is not an address of PostgreSQL ({reason}); it must look like {DATABASE_EXAMPLE}."
        ) from None


def _judge(name: str, *, host: str, port: str, dbname: str, **_: str) -> None:
    """Refuse what libpq takes and nobody means: it reads parts of an unescaped password as host and port."""
    ports = [word for word in port.split(",") if word]
    if "@" in host or not all(word.isdecimal() and int(word[:6]) in range(1, 65536) for word in ports):
        raise ImproperlyConfigured(
            f"{name} has no usable host and port. Characters like @ : / # ? in the password must be"
            " percent-encoded (@ is %40), and a port is a number."
        )
    if not dbname:
        raise ImproperlyConfigured(f"{name} names no database; it must end in /name.")


def cache(name: str) -> dict[str, Any]:
    """Return Django's cache settings for a redis:// address, or for this process's memory when unset."""
    address = text(name)
    if not address:
        return {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": MOST_KEPT},
        }
    if not _is_redis(address):
        raise ImproperlyConfigured(f"{name} must be an address like redis://host:6379/0.")
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": address,
        "OPTIONS": {
            "socket_timeout": CACHE_SECONDS,
            "socket_connect_timeout": CACHE_SECONDS,
            "serializer": "marketplace.environment.Plain",
        },
    }


def _is_redis(address: str) -> bool:
    """Whether the address names a server; a database that is no number, or a port, would be heard of much later."""
    try:
        parts = urlsplit(address)
        is_server = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False
    return is_server and parts.scheme in {"redis", "rediss"} and bool(re.fullmatch("(/[0-9]*)?", parts.path))


class Plain:
    """What is kept in Redis: bytes and numbers as they are. Django's own would run code that somebody put there."""

    def dumps(self, value: bytes | int) -> bytes | int:
        return value if isinstance(value, bytes) else int(value)

    def loads(self, kept: bytes) -> bytes | int:
        return int(kept) if kept.isdigit() else kept
