"""Nothing steers but control state and the tag: a walk through the elaborated design, and lints of its source."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from amaranth.hdl import Signal

from vanallen.rtl.accelerator import Accelerator
from vanallen.rtl.array.unit import ArrayUnit
from vanallen.rtl.config import PRESETS
from vanallen.synth.netlist import components, read_netlist

RTL = Path(__file__).resolve().parents[2] / "rtl"

CONTROL = {"Control", "TagPipe"}
"""Components whose registers may steer."""

STEERED = {"Accelerator", "Accumulator", "ArrayUnit", "HostBridge", "Requantizer", "Scratchpad", "SystolicArray"}
"""Components in which no select of a multiplexer may come from another register. The rest (lanes, where data decide on
rounding; the register file, which only reports) select by data."""


@dataclass(frozen=True)
class Exemption:
    """Registers of ``owner`` (full match of ``register``) may reach pins of kind ``reaches`` in ``target``."""

    owner: str
    register: str
    reaches: str
    target: str
    protection: str


EXEMPTIONS = (
    Exemption("CommandStore", r"word_\d", "state", "Control",
              "the command as held: its checksum is tested on these registers in every cycle"),
    Exemption("ProcessingElement", "load", "hold", "ProcessingElement",
              "behind the last column, load enables are compared with those of the tags"),
    Exemption("ProcessingElement", "swap", "hold", "ProcessingElement",
              "behind the last column, swap enables are compared with those of the tags"),
    Exemption("SaturatingCounter", r"\w+", "hold", "SaturatingCounter",
              "saturation of itself: only reports, will carry parity"),
    Exemption("PairQueue", "first|entry_0", "state", "Control",
              "the address and the word of a write: under parity, compared in the cycle in which it executes"),
    Exemption("PairQueue", "first|entry_0", "hold", "PairQueue",
              "whether a write waits for a read: one that was struck waits no longer than another, and isn't done"),
    Exemption("ReadAddress", "address", "state", "Control",
              "where the host reads: another word for the host, and nothing else"),
    Exemption("ReadAddress", "address", "hold", "PairQueue",
              "whether a write waits for a read: for two cycles at most, whatever the address"),
    Exemption("ResponseQueue", r"entry_\d", "select", "HostBridge",
              "the error flag of a read selects its response code: as the answer, under the transfer's checksum"),
    Exemption("CycleLog", "cycles", "hold", "CycleLog", "saturation of itself: only reports, will carry parity"),
    Exemption("CycleLog", "row|wanted", "address", "CycleLog", "pins of a RAM that only reports, will carry parity"),
    Exemption("CycleLog", "row|wanted|writes", "enable", "CycleLog", "pins of a RAM that only reports, likewise"),
)  # fmt: skip
"""The written list: each register outside control that steers something, and what will protect it."""

RESETS = {
    "Control": r".*",
    "TagPipe": r".*",
    "ProcessingElement": r"swap|load",
    "ParityPipe": r".*",
    "SaturatingCounter": r"value",
    "CycleLog": r"cycles|writes|fill_row",
    # eight zero words: the checksum of no legal command, so what is held before the first fetch is not good
    "CommandStore": r"word_\d",
}
"""By component: the registers that have a reset. All others have none, so that nothing relies on their first value."""


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
    found = set()
    for source in netlist.registers + netlist.read_ports:
        owner = kinds[source.path]
        if owner in CONTROL:
            continue
        for pin in netlist.reached(source.stored):
            target = kinds[pin.cell.path]
            kind = steering(pin, target)
            if kind:
                found.add((owner, netlist.label(source).split(".")[-1], kind, target, netlist.label(pin.cell)))
    return found


def exempts(entry, violation):
    owner, register, kind, target, _ = violation
    same = (owner, kind, target) == (entry.owner, entry.reaches, entry.target)
    return same and re.fullmatch(entry.register, register)


def not_exempt(found):
    return sorted(item for item in found if not any(exempts(entry, item) for entry in EXEMPTIONS))


@pytest.mark.parametrize("name", ["nano", "cubesat"])
def test_only_control_and_the_tag_steer(name):
    found = violations(PRESETS[name])
    assert not_exempt(found) == []
    stale = [entry for entry in EXEMPTIONS if not any(exempts(entry, item) for item in found)]
    assert stale == []


def stray_address(accelerator, m, _):
    """The activation address a cycle late."""
    stray = Signal(len(accelerator.issue.address))
    m.d.sync += stray.eq(accelerator.issue.address)
    m.d.comb += accelerator.memories["activation"].read.address.eq(stray)


def stray_enable(accelerator, m, _):
    """The parameter RAM's read enable a cycle late."""
    stray = Signal()
    m.d.sync += stray.eq(accelerator.drain.parameter_read)
    m.d.comb += accelerator.memories["parameter"].read.enable.eq(stray)


def stray_state(accelerator, m, _):
    """The commit a cycle late."""
    stray = Signal()
    m.d.sync += stray.eq(accelerator.requantizer.retired.valid)
    m.d.comb += accelerator.issue.commit.eq(stray)


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
    "state": (Accelerator, "_control", stray_state),
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
    ("steered", "kinds"),
    [("address", {"state"}), ("enable", {"state"}), ("state", {"state"}), ("tag", {"state", "enable", "hold"}),
     ("select", {"select"})],
)  # fmt: skip
def test_a_stray_register_is_found(monkeypatch, steered, kinds):
    put_in(monkeypatch, steered)
    strays = not_exempt(violations(PRESETS["nano"]))
    assert {item[1] for item in strays} == {"stray"}
    assert {item[2] for item in strays} & kinds


def unsound_resets(top):
    """Registers that have a reset and should not, or have none and should."""
    found = []
    for path, (component, fragment) in components(top).items():
        allowed = RESETS.get(type(component).__name__)
        for statement in fragment.statements.get("sync", ()):
            for signal in statement._lhs_signals():
                expected = allowed is not None and re.fullmatch(allowed, signal.name) is not None
                if signal.reset_less == expected and (expected or type(component).__name__ != "Memory"):
                    found.append((*path, signal.name))
    return found


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_only_what_must_has_a_reset(config):
    # a processing element's active and shadow weights, skews, lanes, RAM registers: data, defined by what streams
    assert unsound_resets(Accelerator(config=config)) == []


def test_an_unsound_reset_is_found(monkeypatch):
    put_in(monkeypatch, "address")
    assert unsound_resets(Accelerator(config=PRESETS["nano"])) == [("stray",)]


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
