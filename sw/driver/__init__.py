"""The driver and its targets: the golden model, and the chip's Verilog in simulation."""

from .driver import Driver, JobResult
from .errors import DriverError, JobFailed, JobTimeout, WrongChip
from .golden_target import GoldenTarget
from .library import BuildError, ToolMissing
from .simulation import SimulationTarget
from .target import BusError, Response, Target, TargetTimeout

__all__ = ["BuildError", "BusError", "Driver", "DriverError", "GoldenTarget", "JobFailed", "JobResult", "JobTimeout",
           "Response", "SimulationTarget", "Target", "TargetTimeout", "ToolMissing", "WrongChip"]  # fmt: skip
