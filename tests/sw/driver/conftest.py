"""Configurations to test the driver with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from vanallen.rtl.config import Config


@dataclass(kw_only=True, frozen=True)
class SideConfig(Config):
    """A configuration with checksum columns, which ``Config`` refuses as long as no chip has them."""

    def __post_init__(self) -> None:
        """Check nothing."""


@pytest.fixture
def with_side() -> Callable[[Config], Config]:
    """A configuration, with a checksum column."""
    return lambda config: SideConfig(**vars(config) | {"side_columns": 1})
