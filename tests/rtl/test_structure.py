"""Nothing steers but control state and the tag: a walk through the elaborated design, and lints of its source."""

import ast
import re
from pathlib import Path

import pytest
from amaranth.hdl import Signal

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.array.unit import ArrayUnit
from vanallen.rtl.config import PRESETS, preset
from vanallen.rtl.control.machine import Control
from vanallen.synth.listed_inputs import PLAIN, PROTECTED
from vanallen.synth.netlist import components, read_netlist

RTL = Path(__file__).resolve().parents[2] / "rtl"

CONTROL = {"Control", "TagPipe"}
"""Components whose registers may steer."""

REPORTS = {"CycleLog", "SaturatingCounter", "TransferChecksum"}
"""Components that only report to the host: what steers them steers nothing else. What they steer is looked at."""

STEERED = {"Accelerator", "Accumulator", "ArrayUnit", "HostBridge", "Requantizer", "Scratchpad", "SystolicArray"}
"""Components in which no select of a multiplexer may come from another register. The rest (lanes, where data decide on
rounding; the register file, which only reports) select by data."""


RESETS = {
    "TagPipe": r".*",
    # beside tags, which are sound after a reset
    "ParityPipe": r"parity_\d+",
    "ProcessingElement": r"swap|load",
    "SaturatingCounter": r"value|counts",
    "CycleLog": r"cycles|writes|fill_row|counting|done_before|filling",
    # eight zero words: the checksum of no legal command, so what is held before the first fetch is not good
    "CommandStore": r"word_\d",
    # what the host may read before anything was counted
    "TransferChecksum": r"value",
    "HostBridge": r"arrived",
    "Accelerator": r"last_\w+",
}
"""By component: the registers that have a reset, beside those of state machines. All others have none, so that nothing
relies on their first value."""


def kinds_of(top):
    return {path: type(component).__name__ for path, (component, _) in components(top).items()}


def steering(pin, target):
    """What kind of pin it is, if it steers."""
    if pin.name == "ADDR":
        return "address"
    if pin.name == "EN":
        return "enable"
    if target in CONTROL:
        return "state"
    if pin.name == "HOLD":
        return "hold"
    return "select" if pin.name == "S" and target in STEERED else None


def violations(config):
    """(owner, register, kind, target, name of the target) of everything that steers and is not control."""
    netlist, kinds = read_netlist(Accelerator(config=config)), kinds_of(Accelerator(config=config))
    control = {"Control"} if config.protected else CONTROL
    found = set()
    for source in netlist.registers + netlist.read_ports:
        owner = kinds[source.path]
        if owner in control:
            continue
        for pin in netlist.reached(source.stored):
            target = kinds[pin.cell.path]
            kind = steering(pin, target)
            if kind and target not in REPORTS and not (target == "TagPipe" == owner):
                found.add((owner, netlist.label(source).split(".")[-1], kind, target, netlist.label(pin.cell)))
    return found


def exempts(entry, violation):
    owner, *others, _ = violation
    patterns = entry.register, entry.reaches, entry.target
    return owner == entry.owner and all(map(re.fullmatch, patterns, others))


def not_exempt(found, exemptions=PLAIN):
    return sorted(item for item in found if not any(exempts(entry, item) for entry in exemptions))


@pytest.mark.parametrize(
    ("name", "protection"),
    [
        ("nano", "none"),
        ("nano", "full"),
        pytest.param("cubesat", "none", marks=pytest.mark.slow),
    ],
)
def test_only_control_and_the_tag_steer(name, protection):
    found = violations(preset(name, protection))
    exemptions = PROTECTED if protection == "full" else PLAIN
    assert not_exempt(found, exemptions) == []
    stale = [entry for entry in exemptions if not any(exempts(entry, item) for item in found)]
    assert stale == []


def stray_address(accelerator, m, _):
    """The activation address a cycle late."""
    stray = Signal(len(accelerator.machines["issue"].copies[0].address))
    m.d.sync += stray.eq(accelerator.machines["issue"].copies[0].address)
    m.d.comb += accelerator.memories["activation"].read[0].address.eq(stray)


def stray_enable(accelerator, m, _):
    """The parameter RAM's read enable a cycle late."""
    stray = Signal()
    m.d.sync += stray.eq(accelerator.machines["drain"].copies[0].parameter_read)
    m.d.comb += accelerator.memories["parameter"].read[0].enable.eq(stray)


def stray_state(accelerator, m, _):
    """The commit a cycle late."""
    stray = Signal()
    m.d.sync += stray.eq(accelerator.requantizer.retired.valid)
    m.d.comb += accelerator.machines["issue"].copies[0].commit.eq(stray)


def stray_tag(accelerator, m, _):
    """The requantizer's tag a cycle late, outside a tag pipe."""
    stray = Signal(accelerator.array.drain_layout)
    m.d.sync += stray.eq(accelerator.array.drained_tag)
    m.d.comb += accelerator.requantizer.tag.eq(stray)


def stray_select(_, m, tags):
    """One column's ``first`` from outside its tag pipe."""
    stray = Signal()
    m.d.sync += stray.eq(tags.taps[1].first)
    m.d.comb += m.submodules.accumulator_1.add_first.eq(stray)


STRAYS = {
    "address": (Accelerator, "_data_path", stray_address),
    "enable": (Accelerator, "_data_path", stray_enable),
    "state": (Accelerator, "_data_path", stray_state),
    "tag": (Accelerator, "_data_path", stray_tag),
    "select": (ArrayUnit, "_accumulators", stray_select),
}
"""By what it steers: where a stray register is put in. Statements added last win."""


def put_in(monkeypatch, steered):
    component, method, add = STRAYS[steered]
    original = getattr(component, method)

    def mutated(self, m, *arguments):
        result = original(self, m, *arguments)
        add(self, m, arguments[0] if arguments else None)
        return result

    monkeypatch.setattr(component, method, mutated)


@pytest.mark.parametrize(
    ("steered", "kinds", "protection"),
    [("address", {"state"}, "none"), ("enable", {"state"}, "none"), ("state", {"state"}, "none"),
     ("tag", {"state", "enable", "hold"}, "none"), ("select", {"select"}, "none"),
     ("state", {"state"}, "full")],
)  # fmt: skip
def test_a_stray_register_is_found(monkeypatch, steered, kinds, protection):
    put_in(monkeypatch, steered)
    exemptions = PROTECTED if protection == "full" else PLAIN
    strays = not_exempt(violations(preset("nano", protection)), exemptions)
    assert {item[1] for item in strays} == {"stray"}
    assert {item[2] for item in strays} & kinds


def unsound_resets(top):
    """Registers that have a reset and should not, or have none and should."""
    found = []
    for path, (component, fragment) in components(top).items():
        kind = type(component).__name__
        for statement in fragment.statements.get("sync", ()):
            for signal in statement._lhs_signals():
                if isinstance(component, Control):
                    expected = signal.name not in component.machine.unset
                else:
                    expected = re.fullmatch(RESETS.get(kind, ""), signal.name) is not None
                if signal.reset_less == expected and (expected or kind != "Memory"):
                    found.append((*path, signal.name))
    return found


CHIPS = [*(preset(name, "none") for name in PRESETS), preset("nano")]


@pytest.mark.parametrize("config", CHIPS, ids=lambda config: f"{config.name}-{config.protection}")
def test_only_what_must_has_a_reset(config):
    # a processing element's active and shadow weights, skews, lanes, RAM registers: data, defined by what streams
    assert unsound_resets(Accelerator(config=config)) == []


def test_an_unsound_reset_is_found(monkeypatch):
    put_in(monkeypatch, "address")
    assert unsound_resets(Accelerator(config=preset("nano", "none"))) == [("stray",)]


def domains_in_machines(source):
    """(line, domain) of every ``m.d.<domain>`` in a class that derives from Machine, but ``comb``; indexing counts."""
    found = []
    for machine in ast.walk(ast.parse(source)):
        bases = [getattr(base, "id", "") for base in machine.bases] if isinstance(machine, ast.ClassDef) else []
        if "Machine" not in bases:
            continue
        for node in ast.walk(machine):
            if isinstance(node, ast.Attribute) and _is_domains(node.value) and node.attr != "comb":
                found.append((node.lineno, node.attr))
            elif isinstance(node, ast.Subscript) and _is_domains(node.value):
                found.append((node.lineno, ast.unparse(node.slice)))
    return found


def _is_domains(node):
    return isinstance(node, ast.Attribute) and node.attr == "d" and isinstance(node.value, ast.Name)


def machine_files():
    return [path for path in sorted(RTL.rglob("*.py")) if re.search(r"class \w+\(Machine\)", path.read_text("utf-8"))]


def test_machines_have_no_registers():
    files = machine_files()
    assert {"issue.py", "drain.py", "job.py", "host.py", "fill.py", "axi_lite.py"} <= {path.name for path in files}
    found = {path.name: domains_in_machines(path.read_text("utf-8")) for path in files}
    assert not any(found.values()), found


def test_a_register_in_a_machine_is_found():
    source = (RTL / "control" / "fill.py").read_text("utf-8")
    assert domains_in_machines(source.replace("m.d.comb", "m.d.sync", 1))
    assert domains_in_machines(source.replace("m.d.comb", "m.d['sync']", 1))
