"""Running compiled models on a target, and comparing what comes out: what stands behind ``vanallen run``."""

from .result import LayerResult, RunResult
from .run import run_model
from .session import Session

__all__ = ["LayerResult", "RunResult", "Session", "run_model"]
