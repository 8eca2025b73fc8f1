"""The package itself: its version, its types, its page."""

from __future__ import annotations

import importlib.metadata
import inspect
import re

import turn_balance
from conftest import ROOT, Cascade
from turn_balance import aio


def test_its_version_is_the_crates() -> None:
    manifest = (ROOT / "Cargo.toml").read_text()
    found = re.search(r'^\[package\]\nname = "turn-balance"\nversion = "(.*)"', manifest, re.M)
    assert found is not None
    assert turn_balance.__version__ == importlib.metadata.version("turn-balance") == found[1]


def test_the_options_are_those_of_a_balance() -> None:
    options = set(turn_balance.Options.__annotations__)
    for balance in (turn_balance.Balance, aio.Balance):
        assert options == set(inspect.signature(balance).parameters) - {"roots"}


def test_everything_says_what_it_is() -> None:
    for name in turn_balance.__all__:
        assert getattr(turn_balance, name).__doc__, name
    for item in (turn_balance.Balance, turn_balance.Selection, turn_balance.Trace, aio.Balance):
        for name, method in inspect.getmembers(item, inspect.isfunction):
            assert name.startswith("_") or method.__doc__, name
    files = importlib.metadata.files("turn-balance") or ()
    assert {"py.typed", "_native.pyi"} <= {file.name for file in files}


def test_the_page_runs(cascade: Cascade) -> None:
    page = (ROOT / "crates/python/README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    assert page.startswith("# turn-balance\n\n```python\n"), "it begins with what a user wants"
    # Each goes on where the one before ended.
    names: dict[str, object] = {"print": lambda *_: None}
    for block in blocks:
        if "aiortc" not in block:
            exec(block.replace("root.example", cascade.root), names)
