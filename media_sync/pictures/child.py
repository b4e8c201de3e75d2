"""The process that decodes pictures: the only one that lets libvips touch what strangers made.

It has no Django, no database, no keys and little memory and time; `sandbox.Sandbox` starts it and ends it. One
command a line as JSON comes on standard input, and one line goes out for each: {"ok": {...}}, {"refused":
"sentence"}, or {"unavailable": "sentence"} where this machine is at fault; a first one says that it is ready. A command sets "seconds" of the processor: beyond them the process
dies of SIGPROF. It ends with its input.
"""

import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import pyvips

from media_sync.pictures import confinement, inspect_child, opening, render_child
from media_sync.pictures.errors import PictureRefused

MEMORY_BYTES = 1536 * 1024 * 1024  # of addresses: 50 megapixels with 16 bits and transparency take 400 MB
FILE_BYTES = 512 * 1024 * 1024
FILES = 64  # open at once
NICENESS = 5  # answers of the API go first, but pictures get on beside them
DAMAGED = "It is damaged or cut short: it cannot be decoded to its end."
NO_FILES = "The server cannot read or write the files of pictures: {what}."
TOO_GREEDY = "Decoding it takes more memory than a picture may use."

Command = dict[str, Any]


def inspect(command: Command) -> Command:
    """{"do": "inspect", "path"} -> what inspecting.Facts holds of a picture."""
    return inspect_child.inspect(Path(command["path"]))


COMMANDS: dict[str, Callable[[Command], Command]] = {"inspect": inspect, "render": render_child.render}


def main() -> None:
    """Answer commands until the input ends."""
    answers = _answers_alone()
    _limit()
    opening.block_other_loaders()
    _say(answers, {"ok": {}})
    for line in sys.stdin:
        command = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, command["seconds"])
        _say(answers, answer(command))


def answer(command: Command) -> Command:
    """Return the answer to one command."""
    try:
        return {"ok": COMMANDS[command["do"]](command)}
    except PictureRefused as refusal:
        return {"refused": str(refusal)}
    except MemoryError:
        return {"refused": TOO_GREEDY}
    except OSError as error:  # a full disk, or the like; what a library says of a picture is no OSError here
        return {"unavailable": NO_FILES.format(what=error.strerror)}
    except (pyvips.Error, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return {"refused": TOO_GREEDY if "out of memory" in str(error) else DAMAGED}


def _answers_alone() -> TextIO:
    """Return the stream of answers; whatever a library prints goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _say(answers: TextIO, what: Command) -> None:
    print(json.dumps(what), file=answers, flush=True)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    with suppress(
        OSError
    ):  # if the machine runs out of memory, Linux is to end this process and not the worker
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with suppress(OSError):  # as where a container forbids the calls
        confinement.confine(Path(tempfile.gettempdir()))


if __name__ == "__main__":
    main()
