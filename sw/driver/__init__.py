"""The driver and its targets: the golden model, the chip's Verilog in simulation, and a board at a serial port."""

from .driver import Driver, JobResult
from .errors import DriverError, JobFailed, JobTimeout, WrongChip
from .golden_target import GoldenTarget
from .library import BuildError, ToolMissing
from .serial_link import LinkError
from .serial_target import SerialTarget
from .simulation import SimulationTarget
from .target import BusError, Response, Target, TargetTimeout

__all__ = ["BuildError", "BusError", "Driver", "DriverError", "GoldenTarget", "JobFailed", "JobResult", "JobTimeout",
           "LinkError", "Response", "SerialTarget", "SimulationTarget", "Target", "TargetTimeout", "ToolMissing",
           "WrongChip"]  # fmt: skip
