"""``vanallen run``."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from vanallen.rtl.link.rmap import BAUD

from .errors import RunFailed, input_errors
from .options import Parser, add_command, add_config, chosen_config, positive
from .output import Output, as_text, new_table

if TYPE_CHECKING:
    from vanallen.sw.session import LayerResult, RunResult

__all__ = ["add", "execute"]


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command's parser."""
    parser = add_command(
        commands,
        "run",
        summary="compile a model and run it on the simulated chip, a board or the golden model",
        details="Exit status 1 if --check finds a differing value, or the chip gives up. Outputs and a report go under "
        "build/run.",
        example="vanallen run digits --input digits:test --check",
    )
    parser.add_argument("model", metavar="MODEL", help="an ONNX file, or the name of a shipped model (digits)")
    text = "an .npy or .npz file (arrays by input name), or a shipped set (digits:test)"
    parser.add_argument("--input", metavar="FILE", required=True, help=text)
    add_config(parser)
    text = (
        "sim: the chip's Verilog in Verilator; golden: the model in numpy; serial:PORT: a board (serial:/dev/ttyUSB0)"
        "; default sim"
    )
    parser.add_argument("--target", metavar="TARGET", type=_target, default="sim", help=text)
    text = f"bits a second of the serial port, as the board's bitstream has them (default {BAUD})"
    parser.add_argument("--baud", metavar="N", type=positive, default=BAUD, help=text)
    text = "compare every layer with the golden model and the outputs with onnxruntime"
    parser.add_argument("--check", action="store_true", help=text)
    parser.add_argument("--limit", metavar="N", type=positive, help="use the first N samples of the input only")
    text = (
        "flip a bit of the protected chip at each of these points (vanallen info lists them), each in one more "
        "inference, and show what became of it; exit status 1 if one isn't noticed"
    )
    parser.add_argument("--inject", metavar="POINT:KIND,...", type=_points, default=(), help=text)
    text = "write the simulated chip's signals to a VCD file (large: use --limit 1)"
    parser.add_argument("--waves", metavar="FILE", type=Path, help=text)
    parser.set_defaults(execute=execute)


def _target(text: str) -> str:
    """The name of a target, for argparse."""
    if text in ("sim", "golden") or (text.startswith("serial:") and text != "serial:"):
        return text
    raise argparse.ArgumentTypeError(f"must be sim, golden or serial:PORT, not {text!r}")


def _points(text: str) -> tuple[str, ...]:
    """Names of injection points, for argparse."""
    return tuple(name.strip() for name in text.split(","))


@contextmanager
def _chip_errors(target: str) -> Iterator[None]:
    """What a board or its cable does amiss, or a fault that a chip can't repair, is no defect of this program."""
    from vanallen.sw.driver import DriverError, LinkError, TargetTimeout, TransferFailed, Uncorrectable

    try:
        yield
    except (Uncorrectable, TransferFailed) as error:
        raise RunFailed(f"{target}: {error}; there are no outputs: run it again") from error
    except (LinkError, TargetTimeout, DriverError) as error:
        if not target.startswith("serial:"):
            raise
        raise RunFailed(f"{target}: {error}") from error


def _figures(layer: LayerResult) -> list[str]:
    if layer.ideal_cycles is None or layer.model_cycles is None:
        return ["", "", "", "", ""]
    measured = "" if not layer.cycles else f"{layer.cycles:,}"
    utilization = "" if layer.utilization is None else f"{layer.utilization:.1%}"
    return [measured, f"{layer.ideal_cycles:,}", f"{layer.model_cycles:,}", utilization, layer.bound or ""]


def layer_table(result: RunResult) -> Table:
    """The layers of a run: what ran where, and the cycles of one inference beside ideal and cycle model."""
    columns = ["layer", "operator", "where", "MACs", "cycles", "ideal", "model", "utilization", "bound"]
    title = f"{result.model} on {result.config} ({result.target}), one inference"
    table = new_table(title, columns, text=["layer", "operator", "where", "bound"])
    for layer in result.layers:
        table.add_row(layer.name, layer.op, layer.where, f"{layer.macs:,}", *_figures(layer))
    return table


def _comparison(result: RunResult) -> list[str]:
    if not result.bit_exact and result.differing_values is None:
        return ["not compared (--check compares with the golden model and onnxruntime)"]
    layers = (result.differing_values or 0) - (result.differing_outputs or 0)
    return [
        f"{result.checked_values:,} values compared: {layers:,} of the layers' differ from the golden model, "
        f"{result.differing_outputs:,} outputs differ from onnxruntime",
        *(f"  {difference}" for difference in result.differences),
    ]


def injection_table(result: RunResult) -> Table:
    """What became of the bits that were flipped on purpose."""
    from vanallen.sw.driver import struck_at

    columns = ["injected at", "what was hit", "the chip counted", "outcome", "cycles more", "answer"]
    table = new_table("Injected faults, one inference each", columns, text=set(columns) - {"cycles more"})
    for injection in result.injections:
        counted = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in injection.counted.items())
        more = "" if injection.extra_cycles is None else f"{injection.extra_cycles:,}"
        answer = "right" if injection.right else "none" if injection.extra_cycles is None else "WRONG"
        hit = struck_at(injection.point)
        table.add_row(injection.point, hit, counted or "nothing", injection.outcome, more, answer)
    return table


def _injections(result: RunResult) -> list[str]:
    """How many injected faults came to what."""
    if not result.injections:
        return []
    outcomes = Counter(injection.outcome for injection in result.injections)
    right = sum(injection.right for injection in result.injections)
    found = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return [f"{len(result.injections)} faults injected: {found}; {right} answers are the golden model's bit for bit"]


def _health(result: RunResult) -> list[str]:
    health = result.health
    if health.good and not result.injections:
        return []
    counts = (
        f"{health.corrected:,} words corrected, {health.recovered:,} times recovered, "
        f"{health.uncorrectable:,} words uncorrectable, {health.outvoted:,} cycles with a copy outvoted, "
        f"{health.refused_writes:,} struck writes refused"
    )
    last = health.last_failure
    where = "" if last is None else f"; the last wrong word: row {last.row:,} of {last.memory} RAM"
    return [f"health: {counts}{where}"]


def _summary(result: RunResult) -> list[str]:
    lines = [f"on the host: {layer.name}: {layer.why}" for layer in result.layers if layer.where == "host"]
    cycles = "" if not result.total_cycles else f"{result.total_cycles:,} cycles an inference; "
    lines.append(f"{cycles}{result.macs_on_chip_share:.1%} of the multiply-accumulates on the chip")
    lines.append(f"{result.inferences:,} inferences in {result.seconds:.1f} s")
    lines += _comparison(result)
    if result.cycles_exact is False:
        lines.append("CYCLES DIFFER from the cycle model: see the table")
    if result.accuracy is not None:
        lines.append(f"accuracy {result.accuracy:.2%} of {result.samples:,} samples")
    return lines + _injections(result) + _health(result)


def execute(arguments: argparse.Namespace) -> int:
    """Runs the model, prints its layers and what the comparison found."""
    from vanallen.sw.session import run_model  # loads onnxruntime, which other commands don't need

    output = Output(json_path=arguments.json, quiet=arguments.quiet)
    shown = output.progress(f"Running {arguments.model}")
    with input_errors(), _chip_errors(arguments.target), shown as progress:
        result = run_model(
            arguments.model,
            arguments.input,
            config=chosen_config(arguments),
            target=arguments.target,
            check=arguments.check,
            limit=arguments.limit,
            inject=arguments.inject,
            baud=arguments.baud,
            waves=arguments.waves,
            progress=progress,
            report=output.print,
        )
    report = result.outputs.with_suffix(".json")
    found = result.as_json() | {"input": arguments.input, "limit": arguments.limit}
    report.write_text(as_text(found), encoding="utf-8")
    output.print(layer_table(result))
    if result.injections:
        output.print(injection_table(result))
    for line in _summary(result):
        output.print(line)
    output.print(f"report: {report}, outputs: {result.outputs}")
    output.write_json(found)
    good = result.bit_exact is not False and result.cycles_exact is not False
    return 0 if good and all(injection.good for injection in result.injections) else 1
