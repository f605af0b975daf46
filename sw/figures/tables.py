"""The tables of README and documents, as Markdown, from the file of figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vanallen.boards.catalog import BOARDS
from vanallen.rtl.config import preset

from .sources import COMPARED, CONFIGS, EXCHANGED, FLIPS, SEEDS, STORMS

__all__ = ["TABLES", "gops"]

Record = Mapping[str, Mapping[str, Any]]

_ABSENT = "not measured yet"


def _table(columns: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"|{'|'.join(line)}|" if line[0] == "---" else f"| {' | '.join(line)} |" for line in lines)


def _figures(record: Record, source: str) -> Mapping[str, Any] | None:
    return record[source]["figures"] if source in record else None


def gops(config: str, mhz: float) -> float:
    """Billions of operations a second at ``mhz``, two a multiply-accumulate, with no cycle lost."""
    return 2 * preset(config).macs_per_cycle * mhz / 1000


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


_WORKLOADS = {
    "gemm-resident": "one large product (`gemm-resident`): cycles (of ideal)",
    "conv-3x3": "3 x 3 convolution (`conv-3x3`, 32 x 32 x 16 to 16)",
    "digits": "`digits`, one image",
}


def cycles(record: Record) -> str:
    """Cycles of the workloads on each protected configuration, their share of the ideal, and the cost of protection."""

    def cell(config: str, name: str) -> str:
        bench = _figures(record, f"bench-{config}")
        if bench is None:
            return _ABSENT
        if name not in bench:
            return "doesn't fit"
        return f"{bench[name]['cycles']:,} ({_percent(bench[name]['utilization'])})"

    def more(config: str, name: str) -> str:
        work = (_figures(record, f"bench-{config}") or {}).get(name)
        return _percent(work["overhead"]) if work else ""

    def rows() -> Iterator[Sequence[str]]:
        for index, (name, text) in enumerate(_WORKLOADS.items()):
            command = "the same" if index else "`vanallen bench --config NAME --cycles-only --compare`"
            yield [text, *(cell(config, name) for config in CONFIGS), command]
            yield [f"{name}: more than without protection", *(more(config, name) for config in CONFIGS), "the same"]

    return _table(["cycles", *(f"`{name}`" for name in CONFIGS), "command"], rows())


def exactness(record: Record) -> str:
    """What was compared, and what differed."""

    def rows() -> Iterator[Sequence[str]]:
        for source, text, say in _CHECKS:
            figures = _figures(record, source)
            command = f"`{record[source]['command']}`" if source in record else f"`make figures ONLY={source}`"
            yield [text, _ABSENT if figures is None else say(figures), command]

    return _table(["exactness", "figure", "command"], rows())


def _digits(figures: Mapping[str, Any]) -> str:
    return f"{figures['differing_values']:,} of {figures['checked_values']:,}"


def _accuracy(figures: Mapping[str, Any]) -> str:
    return f"{_percent(figures['accuracy'])} of {figures['samples']:,}"


def _regression(figures: Mapping[str, Any]) -> str:
    cases, coverage = figures["passed"] + figures["failed"], figures["coverage"]
    return f"{figures['passed']} of {cases} cases, {coverage['hit']} of {coverage['points']} coverage points"


def _mutants(figures: Mapping[str, Any]) -> str:
    mutants = figures["mutants"]
    equivalent = len(mutants["equivalent"])
    share = _percent(mutants["killed"] / (mutants["total"] - equivalent))
    return f"{mutants['killed']} of {mutants['total']}; {equivalent} shown equivalent ({share} of the others)"


def _killed(figures: Mapping[str, Any]) -> str:
    return f"{figures['mutants']['killed']} of {figures['mutants']['total']}"


def _proofs(figures: Mapping[str, Any]) -> str:
    proofs = figures["proofs"]
    return f"{sum(proof['outcome'] == 'pass' for proof in proofs)} of {len(proofs)} hold"


_CHECKS: Sequence[tuple[str, str, Callable[[Mapping[str, Any]], str]]] = (
    ("run-digits", "digits: values that differ from the golden model or onnxruntime", _digits),
    ("run-digits", "digits: images in the right class", _accuracy),
    ("regress-full", "cocotb regression at the AXI4-Lite port of protected `nano` (Verilator)", _regression),
    ("regress-none", "the same of unprotected `nano`", _regression),
    ("prove-full", "formal proofs of protected `nano`", _proofs),
    ("prove-none", "formal proofs of unprotected `nano`", _proofs),
    ("mutants-full", "faults in the protection of `nano` that a proof, a simulation or flips notice", _killed),
    ("mutants", "faults in unprotected `nano` that the regression, or a proof of the block, catches", _mutants),
)


def bitstreams(record: Record) -> str:
    """Resources, Fmax and operations a second of each board, with and without protection."""

    def rows() -> Iterator[Sequence[str]]:
        for board, seeds in SEEDS.items():
            for kind, text in (("full", "protected"), ("none", "unprotected")):
                figures = _figures(record, f"synth-{board}-{kind}")
                command = f"`vanallen synth --board {board} --protection {kind} --seeds {seeds}`"
                found = [*[""] * 4, _ABSENT, "", "", command] if figures is None else _board(record, figures, command)
                yield [f"`{board}`", f"`{BOARDS[board].config}`, {text}", *found]

    columns = ["board", "chip", "LUT", "FF", "multipliers", "block RAM", "Fmax: least, median, best (target)",
               "GOPS peak", "GOPS at `conv-3x3`", "command"]  # fmt: skip
    return _table(columns, rows())


def _board(record: Record, figures: Mapping[str, Any], command: str) -> Iterator[str]:
    fmax = figures["fmax_mhz"]
    if fmax is None:
        yield from ("", "", "", "", "no seed placed within the time limit", "", "", command)
        return
    for name in ("lut", "ff", "dsp", "bram"):
        yield f"{figures['resources'][name]:,} of {figures['available'][name]:,}"
    target = f"{figures['target_mhz']:g} MHz, {'met' if figures['met'] else 'missed'}"
    yield f"{fmax['min']:.1f}, {fmax['median']:.1f}, {fmax['max']:.1f} MHz ({target})"
    peak = gops(figures["config"], fmax["median"])
    bench = _figures(record, f"bench-{figures['config']}") or {}
    yield f"{peak:.1f}"
    yield f"{peak * bench['conv-3x3']['utilization']:.1f}" if "conv-3x3" in bench else _ABSENT
    yield command


def area(record: Record) -> str:
    """Gate equivalents of each configuration, protected and not."""
    found = [_figures(record, f"compare-{name}") for name in COMPARED]

    def rows() -> Iterator[Sequence[str]]:
        for kind, text in (("full", "protected"), ("none", "unprotected")):
            cells = [_ABSENT if figures is None else f"{figures[kind]:,.0f}" for figures in found]
            yield [f"gate equivalents (NAND2 = 1, no memories), {text}", *cells, "" if kind == "none" else command]
        yield ["more", *("" if figures is None else _percent(figures["overhead"]["gates"]) for figures in found), ""]

    command = "`vanallen synth --no-place --compare --config NAME`"
    return _table(["area", *(f"`{name}`" for name in COMPARED), "command"], rows())


def protection(record: Record) -> str:
    """What single flips lead to, with protection and without."""

    def rows() -> Iterator[Sequence[str]]:
        for layer in ("dense", "diagonal"):
            for kind in ("full", "none"):
                figures = _figures(record, f"campaign-{kind}-{layer}")
                options = f"--config nano --protection {kind} --layer {layer} --sample {FLIPS[kind, layer]}"
                command = f"`vanallen campaign exhaustive-seu {options}`"
                yield [f"flips of a flip-flop of `nano` during a layer with {layer} weights, protection {kind}",
                       _ABSENT if figures is None else _outcomes(figures), command]  # fmt: skip
        for name, text in (
            ("load", "it loads rows"),
            ("status", "it reads the status"),
            ("read-back", "it reads rows"),
        ):
            for kind in ("full", "none"):
                figures = _figures(record, f"{name}-{kind}")
                command = f"`vanallen campaign {name} --config nano --protection {kind} --sample {EXCHANGED[kind]}`"
                yield [f"the same between host and chip while {text}, protection {kind}",
                       _ABSENT if figures is None else _exchanged(figures), command]  # fmt: skip
        for suffix, more in STORMS.items():
            figures = _figures(record, f"storm{suffix}")
            yield [f"a flip of a {'flip-flop' if more else 'bit of any storage'} of `cubesat` every 2,000 cycles",
                   _ABSENT if figures is None else _storm(figures),
                   f"`{' '.join(('vanallen campaign storm', *more))}`"]  # fmt: skip

    return _table(["protection", "figure", "command"], rows())


def _outcomes(figures: Mapping[str, Any]) -> str:
    found = figures["outcomes"]
    shown = ", ".join(f"{found[name]:,} {text}" for name, text in
                      (("sdc", "wrong outputs"), ("hang", "hangs"), ("due", "aborts"), ("recovered", "done again"),
                       ("corrected", "corrected")))  # fmt: skip
    return f"{_how_many(figures)}: {shown}; {figures['false_alarms']:,} false alarms"


def _exchanged(figures: Mapping[str, Any]) -> str:
    found = figures["outcomes"]
    shown = ", ".join(f"{found[name]:,} {text}" for name, text in (
        ("sdc", "wrong"), ("hang", "not answered"), ("due", "errors"), ("late", "done again")))  # fmt: skip
    return f"{_how_many(figures)}: {shown}"


def _how_many(figures: Mapping[str, Any]) -> str:
    """The flips that were run."""
    drawn = f"of {figures['injected']:,} drawn of"
    return f"{'all' if figures['exhaustive'] else drawn} {figures['space']:,}"


def _storm(figures: Mapping[str, Any]) -> str:
    counts = {"flips": figures["injected"], **{name: figures["health"][name] for name in ("corrected", "recovered")},
              "flagged": figures["flagged"]}  # fmt: skip
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    return f"{figures['answered']:,} of {figures['images']:,} images answered, {figures['wrong']:,} wrong ({told})"


def mechanisms(record: Record) -> str:
    """What each mechanism costs, of the unprotected chip's gates."""
    found = {name: (_figures(record, f"compare-{name}") or {}).get("mechanisms", {}) for name in COMPARED}
    parts = list(dict.fromkeys(part for shares in found.values() for part in shares)) or ["each mechanism"]

    def rows() -> Iterator[Sequence[str]]:
        for part in parts:
            yield [part, *(_percent(found[name][part]) if part in found[name] else _ABSENT for name in COMPARED)]

    return _table(["more gates for", *(f"`{name}`" for name in COMPARED)], rows())


TABLES: Mapping[str, Callable[[Record], str]] = {
    "cycles": cycles,
    "exactness": exactness,
    "bitstreams": bitstreams,
    "area": area,
    "protection": protection,
    "mechanisms": mechanisms,
}
"""The tables by the name in their marker."""
