"""``vanallen regress --netlist``."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from .errors import UsageError, input_errors
from .options import chosen_config
from .output import Output

__all__ = ["execute_netlist"]


def execute_netlist(arguments: argparse.Namespace, output: Output) -> int:
    """Runs one layer on the synthesized chip, prints what was compared and returns the exit status."""
    from vanallen.sw.driver import BuildError
    from vanallen.synth.errors import AuditFailed
    from vanallen.synth.gates import NetlistError
    from vanallen.tb.netlist import DIFFERS, run_netlist

    output.print(f"netlist of {arguments.config}, seed {arguments.seed}")
    result: dict[str, object] = {"config": arguments.config, "technology": "ecp5", "seed": arguments.seed}
    try:
        with input_errors():
            outcome = run_netlist(chosen_config(arguments), seed=arguments.seed, report=output.print)
    except DIFFERS as found:
        output.print(f"1 failed: {type(found).__name__}: {found}")
        output.write_json({**result, "passed": 0, "failed": 1, "netlist": None})
        return 1
    except AuditFailed as failed:
        output.print(f"1 failed: the audit of the netlist:\n{failed}")
        output.write_json({**result, "passed": 0, "failed": 1, "netlist": None, "audit": asdict(failed.audit)})
        return 1
    except (BuildError, NetlistError, RuntimeError) as error:
        raise UsageError(str(error)) from error
    cells = ", ".join(f"{count:,} {kind}" for kind, count in outcome.cells.items())
    output.print(f"{cells}")
    output.print(f"synthesis {outcome.synthesis_seconds:.0f} s, build {outcome.build_seconds:.0f} s (0 where kept), "
                 f"{outcome.simulated:,} cycles in {outcome.run_seconds:.1f} s")  # fmt: skip
    if outcome.audit is not None:
        output.print(f"audit: {outcome.audit.registers:,} registers of copies, {outcome.audit.voters:,} voters, "
                     f"{len(outcome.audit.listed_inputs)} listed inputs: sound")  # fmt: skip
    output.print(f"a layer of {outcome.cycles:,} cycles equals golden model and cycle model")
    output.print("1 passed, 0 failed")
    output.write_json({**result, "passed": 1, "failed": 0, "netlist": asdict(outcome)})
    return 0
