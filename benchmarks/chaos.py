"""A proxy before an S3 server that fails as networks and servers do, drawn by a seed: `python -m benchmarks.chaos`.

Each request meets its fate by itself: most pass; some are answered 503, some are cut off (before the server has heard of
them, or after it has done them), some wait, some answers end in the middle. A black hole takes requests and never
answers. `Chaos` runs it in a process of its own, so that it costs the one that is measured nothing.
"""

import argparse
import asyncio
import os
import random
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from benchmarks.database import ROOT

BLOCK = 256 * 1024
LONGEST_HEAD = 64 * 1024
LATER = b"<Error><Code>SlowDown</Code><Message>Later.</Message></Error>"
BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
    % (len(LATER), LATER)
)
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, kw_only=True)
class Odds:
    """The share of requests that meet each fate, of 1."""

    busy: float = 0.20
    reset: float = 0.05
    delay: float = 0.05
    truncate: float = 0.02
    blackhole: float = 0.0
    longest_delay: float = 2.0  # seconds

    def draw(self, chance: random.Random) -> str:
        drawn = chance.random()
        for fate in ("blackhole", "busy", "reset", "delay", "truncate"):
            drawn -= getattr(self, fate)
            if drawn < 0:
                return fate
        return "pass"


DEAD = Odds(busy=0, reset=0, delay=0, truncate=0, blackhole=1)
CALM = Odds(busy=0, reset=0, delay=0, truncate=0)


class Proxy:
    """One request a connection; the server's own connections are made anew, too."""

    def __init__(self, target: str, odds: Odds, seed: int) -> None:
        address = urlsplit(target)
        self.host, self.port = address.hostname or "", address.port or 80
        self.odds, self.chance = odds, random.Random(seed)
        self.fates: Counter[str] = Counter()
        self._serving: set[asyncio.Task[None] | None] = (
            set()
        )  # asyncio itself would let waiting ones be collected

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate, task = "", asyncio.current_task()
        self._serving.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            fate = self.odds.draw(self.chance)
            self.fates[fate] += 1
            await self._meet(fate, head, (reader, writer))
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # the client went, which is its right
        finally:
            self._serving.discard(task)
            if fate == "reset":
                _reset(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _meet(self, fate: str, head: bytes, client: Streams) -> None:
        reader, writer = client
        if fate == "blackhole":
            await _swallow(reader)
        elif fate == "busy":
            writer.write(BUSY)
            await writer.drain()
            await _swallow(reader)
        elif fate == "reset" and self.chance.random() < 0.5:
            return
        else:
            if fate == "delay":
                await asyncio.sleep(self.chance.uniform(0.1, self.odds.longest_delay))
            await self._forward(head, client, fate)

    async def _forward(self, head: bytes, client: Streams, fate: str) -> None:
        """Send the request to the server, and back what it answers: all, half or nothing of it."""
        server = await asyncio.open_connection(self.host, self.port, limit=LONGEST_HEAD)
        try:
            await self._ask(head, client, server[1])
            if fate in {"reset", "truncate"}:
                head, blank, body = (await server[0].read(-1)).partition(b"\r\n\r\n")
                client[1].write(head + blank + body[: len(body) // 2] if fate == "truncate" else b"")
            else:
                while block := await server[0].read(BLOCK):
                    client[1].write(block)
                    await client[1].drain()
        finally:
            server[1].close()

    async def _ask(self, head: bytes, client: Streams, server: asyncio.StreamWriter) -> None:
        lines = head.rstrip(b"\r\n").split(b"\r\n")
        told = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        if told.get(b"expect", b"").lower() == b"100-continue":
            client[1].write(GO_ON)
        kept = [line for line in lines if line.partition(b":")[0].lower() not in {b"expect", b"connection"}]
        server.write(b"\r\n".join([*kept, b"Connection: close", b"", b""]))
        left = int(told.get(b"content-length", 0))
        while left:
            block = await client[0].read(min(BLOCK, left))
            if not block:
                raise EOFError
            server.write(block)
            await server.drain()
            left -= len(block)


async def _swallow(reader: asyncio.StreamReader) -> None:
    """Read until the client gives up."""
    while await reader.read(BLOCK):
        pass


def _reset(writer: asyncio.StreamWriter) -> None:
    """Let the connection end by a reset, as when a machine is switched off."""
    opened = writer.get_extra_info("socket")
    with suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Chaos:
    """The proxy as its user has it: an address, and the odds, which may be changed at any time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address = self._line()

    def become(self, odds: Odds) -> None:
        """Let what comes from now on meet these odds."""
        values = " ".join(str(getattr(odds, field.name)) for field in fields(Odds))
        self._say(f"odds {values}")

    def fates(self) -> dict[str, int]:
        """Return how many requests met each fate until now."""
        told = self._say("fates")
        return {name: int(number) for name, _, number in (each.partition("=") for each in told.split())}

    def _say(self, words: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


@contextmanager
def chaos(target: str, odds: Odds | None = None, *, seed: int = 1) -> Iterator[Chaos]:
    """Run the proxy before the server at this address."""
    command = [sys.executable, "-m", "benchmarks.chaos", target, "--seed", str(seed)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        proxy = Chaos(process)
        proxy.become(odds or Odds())
        try:
            yield proxy
        finally:
            process.terminate()


async def _run(target: str, odds: Odds, seed: int) -> None:
    proxy = Proxy(target, odds, seed)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=LONGEST_HEAD, backlog=512)
    _tell(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    while line := await asyncio.to_thread(sys.stdin.readline):
        word, *values = line.split()
        if word == "odds":
            proxy.odds = Odds(
                **{field.name: float(value) for field, value in zip(fields(Odds), values, strict=True)}
            )
        _tell(" ".join(f"{name}={number}" for name, number in sorted(proxy.fates.items())))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=__doc__)
    parser.add_argument("target", help="address of the server, such as http://127.0.0.1:9000")
    parser.add_argument("--seed", type=int, default=1)
    for field in fields(Odds):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default)
    options = vars(parser.parse_args())
    target, seed = options.pop("target"), options.pop("seed")
    asyncio.run(_run(target, Odds(**options), seed))


if __name__ == "__main__":
    main()
