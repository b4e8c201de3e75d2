"""Renditions against naive Pillow: for each of four widths open, load, thumbnail, save as WebP.

Both make the same dimensions at the same quality setting (80) from the same 24-megapixel JPEG, on one thread, without
the bucket. Every leg is a process of its own, in turns; the best of each side's rounds counts, of its processor's time
and of the clock's.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyvips
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.database import ROOT
from marketplace import embedded
from media_sync.pictures import opening, recipes, render_child

SIZE = (6000, 4000)
OCTAVES = ((2000, 70), (500, 40), (120, 24), (30, 12))  # size of the noise's cells, and how strong it is
GRAIN, QUALITY = 7, 90  # the picture's file has 10 MB, as cameras write them
PICTURES, ROUNDS, LEAST = 3, 3, 4.0
Leg = dict[str, float]


def main() -> None:
    """Print a table of seconds for a picture, and of ratios."""
    with TemporaryDirectory(dir=embedded.var_dir()) as folder:
        picture = Path(folder) / "picture.jpg"
        draw(picture)
        legs = {name: _leg(name, picture) for name in LEGS}
        for _ in range(ROUNDS - 1):
            for name in LEGS:
                again = _leg(name, picture)
                legs[name] |= {what: min(legs[name][what], again[what]) for what in ("cpu", "wall")}
        Console().print(_table(legs, picture.stat().st_size))


def draw(path: Path) -> None:
    """Write a picture as detailed as a photograph; always the same one."""
    bands = [_noise(seed) for seed in range(3)]
    image = bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")
    image.jpegsave(str(path), Q=QUALITY)


def _noise(seed: int) -> pyvips.Image:
    clouds = [
        pyvips.Image.perlin(*SIZE, cell_size=cell, seed=10 * seed + number) * strength
        for number, (cell, strength) in enumerate(OCTAVES)
    ]
    return pyvips.Image.sum([*clouds, pyvips.Image.gaussnoise(*SIZE, mean=128, sigma=GRAIN, seed=seed)])


def ours(picture: Path, out: Path, formats: tuple[str, ...]) -> None:
    """Make the four widths in these formats as the child does."""
    wanted = [one for one in recipes.plan(SIZE, focal=(0.5, 0.5), ratios=()) if one.format in formats]
    jobs = [{**one.as_json(), "name": f"{one.width}.{one.format}", "crop": one.crop} for one in wanted]
    about = {"width": SIZE[0], "height": SIZE[1], "frames": 1}
    render_child.render({"path": str(picture), "out": str(out), "jobs": jobs, **about})


def naive(picture: Path, out: Path, effort: int) -> None:
    """Make them as the first page of a tutorial does."""
    for width in recipes.WIDTHS:
        with Image.open(picture) as image:
            image.load()
            image.thumbnail((width, width))
            image.save(out / f"{width}.webp", quality=render_child.SAVERS["webp"]["Q"], method=effort)


LEGS: dict[str, Callable[[Path, Path], None]] = {
    "ours": lambda picture, out: ours(picture, out, (recipes.WEBP,)),
    "Pillow": lambda picture, out: naive(picture, out, 4),  # its default
    "Pillow, our effort": lambda picture, out: naive(picture, out, render_child.SAVERS["webp"]["effort"]),
    "ours, AVIF": lambda picture, out: ours(picture, out, (recipes.AVIF,)),
}


def inside(name: str, picture: Path) -> Leg:
    """Run one leg in this process; return seconds for a picture, MiB of memory, and kB of files."""
    opening.block_other_loaders()
    with TemporaryDirectory(dir=picture.parent) as folder:
        out = Path(folder)
        LEGS[name](picture, out)  # what is loaded once, and the disk's cache
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(PICTURES):
            LEGS[name](picture, out)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        size = sum(file.stat().st_size for file in out.iterdir())
        sizes = [Image.open(file).size for file in out.iterdir()]
    if sorted(sizes) != [(320, 213), (640, 427), (1280, 853), (2560, 1707)]:
        raise SystemExit(f"{name} made {sizes}.")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": cpu / PICTURES, "wall": wall / PICTURES, "memory": memory, "kB": size / 1000}


def _leg(name: str, picture: Path) -> Leg:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.renditions", name, str(picture)],
        cwd=ROOT,
        env=os.environ | {"VIPS_CONCURRENCY": "1"},
        check=True,
        stdout=subprocess.PIPE,
    )
    answer: Leg = json.loads(done.stdout)
    return answer


def _table(legs: dict[str, Leg], size: int) -> Table:
    table = Table(
        title=f"Four widths of a JPEG of 24 megapixels and {size / 1e6:.1f} MB, for a picture",
        caption=f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.",
    )
    for heading in ("who", "CPU s", "wall s", "peak MiB", "files kB", "CPU ratio", "wall ratio"):
        table.add_column(heading, justify="left" if heading == "who" else "right")
    for name, leg in legs.items():
        ratios: list[Any] = ["", ""]
        if name.startswith("Pillow"):
            least = f" (at least {LEAST:g})" if name == "Pillow" else ""
            ratios = [f"{leg[what] / legs['ours'][what]:.1f}{least}" for what in ("cpu", "wall")]
        shown = (f"{leg['cpu']:.2f}", f"{leg['wall']:.2f}", f"{leg['memory']:.0f}", f"{leg['kB']:.0f}")
        table.add_row(name, *shown, *ratios)
    return table


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(inside(sys.argv[1], Path(sys.argv[2]))))
    else:
        main()
