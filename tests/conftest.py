"""What all tests share: where hypothesis keeps its examples, and how it draws them."""

from pathlib import Path

from hypothesis import HealthCheck, configuration, settings

ROOT = Path(__file__).resolve().parents[1]

configuration.set_hypothesis_home_dir(ROOT / "build" / "cache" / "hypothesis")
# Deterministic, so that a red run can be repeated; no deadline an example, for the two cores may be shared.
settings.register_profile("vanallen", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vanallen")
