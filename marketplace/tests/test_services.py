"""The pytest plugin: a run without a browser says so."""

import os
import subprocess
import sys

from marketplace.tests.stack import BASE_DIR


def run_pytest(path) -> str:
    words = [
        "-p",
        "marketplace.tests.services",
        "-p",
        "no:django",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(path), *words, str(path)],
        cwd=path, env=os.environ | {"PYTHONPATH": str(BASE_DIR)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout


def test_run_without_a_browser_says_loudly_why(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import pytest\n@pytest.mark.browser\ndef test_page(): pytest.skip('No browser: install one.')\ndef test_rest(): pass\n"
    )
    lines = run_pytest(tmp_path).splitlines()
    assert any("browser tests were NOT run" in line for line in lines)
    assert "WARNING: 1 browser tests were skipped. No browser: install one." in lines


def test_run_in_which_others_were_skipped_says_nothing_of_browsers(tmp_path):
    (tmp_path / "test_it.py").write_text("import pytest\ndef test_rest(): pytest.skip('No data.')\n")
    assert "browser" not in run_pytest(tmp_path)
