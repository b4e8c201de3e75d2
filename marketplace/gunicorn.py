"""How gunicorn serves: `gunicorn -c python:marketplace.gunicorn marketplace.wsgi`.

HOST (default 127.0.0.1), PORT and WEB_CONCURRENCY come from the environment.
"""

import os
from pathlib import Path

from gunicorn.http import message

from marketplace import environment

bind = f"{environment.text('HOST', '127.0.0.1')}:{environment.integer('PORT', 8000, low=1, high=65535)}"

# Requests wait for the database and the bucket, not for the processor: threads share one process's memory.
worker_class = "marketplace.workers.Worker"
workers = environment.integer("WEB_CONCURRENCY", 2, low=1, high=64)
threads = 8

# Bytes of a request's first line. A long parameter is refused by the API, which names it, so that 8 kB of one have to
# reach it; gunicorn's own most, 8,190 whatever is set, would be a 414 that names none.
limit_request_line = message.MAX_REQUEST_LINE = 16_380
limit_request_fields = 64
limit_request_field_size = 8190  # bytes of one header, its name included

# gunicorn believes no header of a proxy; which of them are believed, and whose, is for TRUSTED_PROXIES.
forwarded_allow_ips = ""

timeout = 60  # seconds after which a worker that no longer answers its master is replaced
graceful_timeout = 30  # seconds that running requests get after SIGTERM

# A worker's heartbeat is a file; on a disk under load touching it may block.
if os.access("/dev/shm", os.W_OK) and Path("/dev/shm").is_dir():  # noqa: S108 (not a fixed file name)
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# Its default path lies in the home directory, which a container has not, and which two services would share.
control_socket_disable = True

# The proxy in front keeps the access log; `--access-logfile -` turns ours on.
accesslog = None
errorlog = "-"
