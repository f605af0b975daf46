"""The SystemRDL source: its sizes are those of any configuration, and the tables made from it aren't stale."""

import random
from pathlib import Path

import pytest
from systemrdl import RDLCompiler
from systemrdl.node import MemNode

from vanallen.rtl.config import PRESETS, PROTECTED_COLUMNS, PROTECTIONS, Config, preset
from vanallen.rtl.registers import MEMORY_WINDOWS, REGISTERS, Window, register, window_rows, window_stride
from vanallen.sw.export.rdl import compile_map
from vanallen.sw.export.register_table import main, register_table

ROOT = Path(__file__).resolve().parents[3]
TABLE = "rtl/register_table.py"


def random_config(seed):
    rng = random.Random(seed)
    rows = rng.choice([4, 8, 16])
    columns = rows * rng.randint(1, 64 // rows)
    return Config(
        name=f"random{seed}",
        rows=rows,
        columns=columns,
        lanes=rng.choice([lanes for lanes in (1, 2, 4, 8, 16) if rows % lanes == 0]),
        activation_bytes=rows << rng.randint(6, 13),
        weight_bytes=columns << rng.randint(6, 13),
        accumulator_rows=1 << rng.randint(4, 12),
        parameter_rows=1 << rng.randint(6, 12),
        command_rows=1 << rng.randint(6, 12),
        protection=rng.choice(PROTECTIONS) if columns <= PROTECTED_COLUMNS else "none",
    )


CONFIGS = [*PRESETS.values(), preset("payload", "none"), *map(random_config, range(16))]


def memories(top):
    """(rows, bytes from row to row, first byte, bytes in all) by name, of the memories that are there."""
    nodes = [node for node in top.children() if isinstance(node, MemNode)]
    return {
        node.inst_name: (node.get_property("rows"), node.get_property("stride"), node.absolute_address, node.size)
        for node in nodes
    }


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.name}-{config.protection}")
def test_sizes_are_those_of_the_configuration(config):
    top = compile_map(config)
    want = {}
    for window in MEMORY_WINDOWS:
        rows, stride = window_rows(config, window), window_stride(config, window)
        want[window.name.lower()] = (rows, stride, window.base, rows * stride)
    assert memories(top) == want
    array = {"rows": config.rows, "columns": config.columns, "lanes": config.lanes, "side_columns": config.side_columns}
    program = {"parameter_rows": config.parameter_rows, "command_rows": config.command_rows}
    capacity = {"activation": config.activation_bytes // config.rows, "weight": config.weight_bytes // config.columns,
                "accumulator": config.accumulator_rows}  # fmt: skip
    for name, values in (("configuration", array | program), ("capacity", capacity)):
        node = top.find_by_path(f"registers.{name}")
        assert {field.inst_name: field.get_property("reset") for field in node.fields()} == values
        assert register(name).constants(config) == values


def test_without_sizes_the_map_is_that_of_nano():
    bare, nano = compile_map(), compile_map(PRESETS["nano"])
    assert memories(bare) == memories(nano)
    for name in ("configuration", "capacity"):
        one, other = (
            [field.get_property("reset") for field in top.find_by_path(f"registers.{name}").fields()]
            for top in (bare, nano)
        )
        assert one == other


def test_table_is_fresh():
    text = (ROOT / TABLE).read_text(encoding="utf-8")
    assert text == register_table(compile_map()), f"{TABLE} is stale: run `make generate`"


def test_generate_writes_what_is_checked_in(tmp_path, capsys):
    assert main([str(tmp_path / "table.py")]) == 0
    assert (tmp_path / "table.py").read_bytes() == (ROOT / TABLE).read_bytes()
    assert main([]) == 2 and "usage:" in capsys.readouterr().err


def test_table_says_who_changes_a_field():
    changing = {f"{entry.name}.{field.name}" for entry in REGISTERS for field in entry.fields if field.changes}
    constant = {f"{entry.name}.{field.name}" for entry in REGISTERS for field in entry.fields} - changing
    assert {name.split(".")[0] for name in constant} == {"identity", "version", "configuration", "capacity"}
    assert not {name.split(".")[0] for name in changing} & {"identity", "version", "configuration", "capacity"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("command @0x080000", "command @0x088000", "command must begin at a multiple of 0x80000"),
        ('desc = "what the chip is doing";', "", "vanallen.registers.status must have a desc"),
        ("encode = error_e;", "", "registers.status.error must be a field with codes"),
    ],
)
def test_map_that_the_tables_cannot_hold_is_refused(tmp_path, old, new, message):
    text = (ROOT / "rtl/registers.rdl").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "map.rdl").write_text(text.replace(old, new), encoding="utf-8")
    compiler = RDLCompiler()
    compiler.compile_file(str(tmp_path / "map.rdl"))
    with pytest.raises(ValueError, match=message):
        register_table(compiler.elaborate("vanallen").top)


def test_an_edit_of_the_source_changes_the_table(tmp_path):
    text = (ROOT / "rtl/registers.rdl").read_text(encoding="utf-8")
    (tmp_path / "map.rdl").write_text(text.replace("} blocks[16];", "} blocks[15];"), encoding="utf-8")
    compiler = RDLCompiler()
    compiler.compile_file(str(tmp_path / "map.rdl"))
    assert 'RegisterField("blocks", 48, 15, ' in register_table(compiler.elaborate("vanallen").top)


def test_random_configurations_are_not_all_alike():
    strides = {window_stride(config, Window.WEIGHT) for config in CONFIGS}
    assert strides == {8, 16, 32, 64}
