"""The driver and its targets: the golden model, the chip's Verilog in simulation, and a board at a serial port."""

from .checked_target import CheckedTarget
from .driver import JOB_CYCLES, Driver, JobResult
from .errors import DriverError, JobFailed, JobTimeout, TransferFailed, Uncorrectable, WrongChip
from .golden_target import GoldenTarget
from .health import Failure, Health
from .injections import INJECTION_POINTS, struck_at
from .library import BuildError, ToolMissing
from .serial_link import LinkError
from .serial_target import SerialTarget
from .simulation import SimulationTarget
from .target import BusError, Response, Target, TargetTimeout

__all__ = ["INJECTION_POINTS", "JOB_CYCLES", "BuildError", "BusError", "CheckedTarget", "Driver", "DriverError",
           "Failure", "GoldenTarget", "Health", "JobFailed", "JobResult", "JobTimeout", "LinkError", "Response",
           "SerialTarget", "SimulationTarget", "Target", "TargetTimeout", "ToolMissing", "TransferFailed",
           "Uncorrectable", "WrongChip", "struck_at"]  # fmt: skip
