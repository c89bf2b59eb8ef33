"""The code of the README runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

BLOCKS = re.findall(r"```python\n(.*?)```", Path(__file__).parent.parent.joinpath("README.md").read_text(), re.DOTALL)


@pytest.mark.usefixtures("engine")
def test_the_first_example_runs_in_a_container(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(BLOCKS[0])
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_first_example_runs_from_the_binary(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        BLOCKS[0]
        .replace("from cos_emu.container import CosEmuContainer", "from cos_emu import CosEmuProcess")
        .replace("CosEmuContainer(", "CosEmuProcess(")
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_second_example_runs_with_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(BLOCKS[1])
    pytester.runpytest().assert_outcomes(passed=1)
