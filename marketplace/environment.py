"""Reads configuration from environment variables.

Every reader takes the variable's name and the value to use when it is unset. A value that cannot be
used raises ImproperlyConfigured with one sentence that names the variable. `NAME_FILE`, when set,
names a file whose content (without the final line break) is the value of `NAME`.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """Return the variable's value; unset and empty both mean the default."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or default
    try:
        return Path(path).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
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


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    word = text(name, default).strip().upper()
    if word not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {word!r}.")
    return word


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
    """Read a list of web origins (scheme and host, no path)."""
    listed = words(name)
    for origin in listed:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
            raise ImproperlyConfigured(
                f"{name} must list origins like https://shop.example.com, not {origin!r}."
            )
    return [origin.rstrip("/") for origin in listed]


def database(name: str, default: str) -> dict[str, Any]:
    """Turn a libpq address into Django's settings; libpq itself parses it, so all its forms work."""
    address = text(name, default).strip()
    if not address.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured(f"{name} must look like postgresql://user:password@host:5432/name.")
    try:
        parts = conninfo_to_dict(address)
    except psycopg.ProgrammingError as error:
        # libpq quotes the address, password included, so its words stay out of the message.
        raise ImproperlyConfigured(
            f"{name} is not a PostgreSQL address; it must look like postgresql://user:password@host:5432/name."
        ) from error
    named = {key: str(parts.pop(key, "")) for key in ("dbname", "user", "password", "host", "port")}
    if not named["dbname"]:
        raise ImproperlyConfigured(f"{name} names no database; it must end in /name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": named["dbname"],
        "USER": named["user"],
        "PASSWORD": named["password"],
        "HOST": named["host"],
        "PORT": named["port"],
        "OPTIONS": parts,
    }


def cache(name: str) -> dict[str, str]:
    """Return Django's cache settings for a redis:// address, or for this process's memory when unset."""
    address = text(name)
    if not address:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if not address.startswith(("redis://", "rediss://")):
        raise ImproperlyConfigured(f"{name} must be an address like redis://host:6379/0.")
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": address}
