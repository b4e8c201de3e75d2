"""`make env`: writes .env from .env.example, with a random value for each secret that is empty there.

Needs nothing but Python. An .env that exists is left alone: its database already has the old password.
"""

import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
MAKERS: dict[str, Callable[[], str]] = {
    # The forms that AWS gives them, which every S3 server takes.
    "AWS_ACCESS_KEY_ID": lambda: secrets.token_hex(10).upper(),
    "AWS_SECRET_ACCESS_KEY": lambda: secrets.token_urlsafe(30),
    # Typed by a person.
    "ADMIN_PASSWORD": lambda: secrets.token_urlsafe(18),
}


def filled(example: str) -> str:
    """Return the example with a value behind every `NAME=` that has none."""

    def value(line: re.Match[str]) -> str:
        make = MAKERS.get(line[1], lambda: secrets.token_urlsafe(48))
        return f"{line[1]}={make()}"

    return re.sub(r"^([A-Z0-9_]+)=$", value, example, flags=re.MULTILINE)


def main() -> int:
    target = TOP / ".env"
    text = filled((TOP / ".env.example").read_text(encoding="utf-8"))
    try:
        target.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        sys.stderr.write(f"{target} exists and is left as it is; remove it first to make new secrets.\n")
        return 1
    target.write_text(text, encoding="utf-8")
    sys.stdout.write(f"Wrote {target}. The admin's password is its ADMIN_PASSWORD.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
