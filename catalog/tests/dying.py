"""The service, but for a request that asks for it: its process is killed when it is done, before a byte of the answer is sent."""

import os
import signal
from collections.abc import Iterable
from typing import Any

from marketplace.wsgi import application as service


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    answer: Iterable[bytes] = service(environ, start_response)
    if "HTTP_X_DIE" in environ:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
