"""`make clients`: typed clients for TypeScript and Python, made from docs/openapi.yaml, compile.

What a generator cannot make of the document (it warns and leaves that out) is a fault, too. Nothing is kept.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
OWN = TOP / ".ci" / "clients"  # the generators' settings; package-lock.json pins those from npm by their sums
DOCUMENT = TOP / "docs" / "openapi.yaml"
WARNINGS = ("WARNING", "Warning(s)", "Unable to", "Failure to")
# Reads answers as a shop would: the types must know what a list holds, that `fields`
# may leave a name out, and that a page may be the last one.
READING = """
import type { paths } from "./types";
type Page = paths["/v1/vehicles/"]["get"]["responses"]["200"]["content"]["application/json"];
export const names = (page: Page): string[] => page.results.map((each): string => each.name ?? "");
export const onward = (page: Page): string => page.next ?? "the end";
"""


class Failed(Exception):
    """A client cannot be made or does not compile; the message is what the tool said."""


def run(*command: str | Path, directory: Path) -> str:
    paths = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*command], cwd=directory, env=os.environ | paths, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def typescript(directory: Path, document: Path) -> str:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(OWN / name, directory)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", directory=directory)
    tools = directory / "node_modules" / ".bin"
    run(tools / "openapi-typescript", document, "--output", "types.ts", directory=directory)
    (directory / "reading.ts").write_text(READING)
    run(tools / "tsc", "--strict", "--noEmit", "reading.ts", "types.ts", directory=directory)
    return f"{len((directory / 'types.ts').read_text().splitlines())} lines of types"


def python(directory: Path, document: Path) -> str:
    said = run(
        BIN / "openapi-python-client", "generate", "--path", document, "--config", OWN / "python.yaml",
        "--meta", "none", "--output-path", directory / "catalogue_client", directory=directory,
    )  # fmt: skip
    faults = [line for line in said.splitlines() if line.startswith(WARNINGS)]
    if faults:
        raise Failed(said)
    # client.py is the generator's own, the same for every document.
    settings = ["--ignore-missing-imports", "--follow-imports=silent", "--exclude=/client.py$"]
    cache = f"--cache-dir={directory / 'cache'}"
    run(sys.executable, "-m", "mypy", *settings, cache, "catalogue_client", directory=directory)
    return f"{len(list((directory / 'catalogue_client').rglob('*.py')))} modules"


CLIENTS = {"typescript": typescript, "python": python}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="typescript, python; both when none is named")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    asked = parser.parse_args()
    failed = 0
    for name in asked.names or CLIENTS:
        with tempfile.TemporaryDirectory() as directory:
            try:
                print(
                    f"ok      {name}: {CLIENTS[name](Path(directory), asked.document.resolve())}", flush=True
                )
            except Failed as error:
                failed += 1
                print(f"FAILED  {name}\n{error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
