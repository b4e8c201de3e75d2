"""A WSGI application that tells what the server made of a request; /wait answers when the file RELEASE is there."""

import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings

# Behind TLS; the rest is Django's own.
settings.configure(SECURE_HSTS_SECONDS=60, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    while environ["PATH_INFO"] == "/wait" and not Path(os.environ["RELEASE"]).exists():
        time.sleep(0.05)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['wsgi.url_scheme']} {environ['SCRIPT_NAME']}{environ['PATH_INFO']}".encode()]
