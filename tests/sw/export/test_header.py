"""The C header: strict C99, and the same layout and checksum as the tables it comes from."""

import random
import subprocess
from pathlib import Path

import pytest
from peakrdl_cheader.exporter import CHeaderExporter

from vanallen.rtl.commands import FIELDS, checksum, encode
from vanallen.rtl.config import PRESETS, preset
from vanallen.rtl.registers import MEMORY_WINDOWS, REGISTERS, window_rows, window_stride
from vanallen.sw.export.header import c_header
from vanallen.sw.export.rdl import compile_map

STRICT = ["gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"]


def random_command(seed):
    rng = random.Random(seed)
    return {
        f.name: rng.randrange(-(1 << f.width - 1), 1 << f.width - 1) if f.signed else rng.randrange(1 << f.width)
        for f in FIELDS
        if f.name != "checksum"
    }


def compile_and_run(tmp_path, name, body):
    (tmp_path / "chip.h").write_text(c_header(preset(name)))
    (tmp_path / "main.c").write_text(
        f'#include "chip.h"\n#include <inttypes.h>\n#include <stdio.h>\nint main(void) {{\n{body}\n}}\n'
    )
    subprocess.run([*STRICT, "-o", "main", "main.c"], cwd=tmp_path, check=True)
    return subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("name", PRESETS)
def test_compiles_alone_and_says_the_sizes(tmp_path, name):
    config = preset(name)
    sizes = ["ROWS", "COLUMNS", "LANES", "ACCUMULATOR_ROWS"]
    prints = [f'printf("%u\\n", VANALLEN_{size});' for size in sizes]
    for window in MEMORY_WINDOWS:
        prints += [f'printf("%u\\n", VANALLEN_{window.name}_RAM_{part});' for part in ("BASE", "STRIDE", "ROWS")]
    want = [config.rows, config.columns, config.lanes, config.accumulator_rows]
    for window in MEMORY_WINDOWS:
        want += [window.base, window_stride(config, window), window_rows(config, window)]
    assert compile_and_run(tmp_path, name, "\n".join([*prints, "return 0;"])) == [str(value) for value in want]


def test_commands_are_encoded_as_in_python(tmp_path):
    values = random_command(3)
    lines = ["uint64_t w[VANALLEN_COMMAND_WORDS] = {0};"]
    for name, value in values.items():
        field = f"VANALLEN_COMMAND_{name.upper()}"
        lines.append(f"w[{field}_WORD] |= VANALLEN_PUT({field}, UINT64_C({value & (1 << 64) - 1}));")
    lines += [
        "w[0] |= VANALLEN_PUT(VANALLEN_COMMAND_CHECKSUM, vanallen_command_checksum(w));",
        'for (unsigned i = 0; i < VANALLEN_COMMAND_WORDS; i++) printf("%" PRIu64 "\\n", w[i]);',
        'printf("%u\\n", (unsigned)VANALLEN_GET(VANALLEN_COMMAND_CHECKSUM, w[0]));',
        "return 0;",
    ]
    words = encode(values)
    assert compile_and_run(tmp_path, "cubesat", "\n".join(lines)) == [str(value) for value in [*words, checksum(words)]]


def peakrdl_name(register, field):
    array = "X" if register.words > 1 else ""
    return f"VANALLEN__REGISTERS__{register.name.upper()}{array}__{field.name.upper()}"


@pytest.mark.parametrize("name", PRESETS)
def test_header_agrees_with_that_of_peakrdl(tmp_path, name):
    """Two headers from one source by two generators, compared by the C compiler: places, masks, sizes."""
    config = preset(name)
    CHeaderExporter().export(compile_map(config), str(tmp_path / "other.h"), reuse_typedefs=False)
    (tmp_path / "chip.h").write_text(c_header(config))
    checks = []
    for register in REGISTERS:
        prefix = f"VANALLEN_REG_{register.name.upper()}"
        checks.append(f"offsetof(vanallen_t, registers.{register.name}) == {prefix}")
        for field in register.fields:
            ours, other = f"{prefix}_{field.name.upper()}", peakrdl_name(register, field)
            checks += [f"{other}_bp == {ours}_SHIFT", f"{other}_bm == {ours}_MASK << {ours}_SHIFT"]
    for window in MEMORY_WINDOWS:
        memory, ours = window.name.lower(), f"VANALLEN_{window.name}_RAM"
        checks.append(f"offsetof(vanallen_t, {memory}) == {ours}_BASE")
        checks.append(f"sizeof(((vanallen_t *)0)->{memory}) == {ours}_ROWS * {ours}_STRIDE")
    checks.append("sizeof(((vanallen_t *)0)->registers.layer_cycles) / 8 == VANALLEN_REG_LAYER_CYCLES_WORDS")
    lines = ['#include "other.h"', '#include "chip.h"', "#include <stddef.h>"]
    lines += [f'static_assert({check}, "{index}");' for index, check in enumerate(checks)]
    (tmp_path / "both.c").write_text("\n".join(lines) + "\n")
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Werror", "-c", "both.c"], cwd=tmp_path, check=True)
    assert len(checks) > 80


def test_every_register_field_is_there():
    text = c_header(preset("nano"))
    for register in REGISTERS:
        prefix = f"VANALLEN_REG_{register.name.upper()}"
        assert f"#define {prefix} 0x{register.address:03X}u " in text
        for field in register.fields:
            assert f"#define {prefix}_{field.name.upper()}_SHIFT {field.offset}u " in text


def test_macro_names_are_unique():
    names = [line.split()[1] for line in c_header(preset("payload")).splitlines() if line.startswith("#define")]
    assert len(names) == len(set(names))


def test_example_of_the_documents_compiles(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "components" / "export.md").read_text(encoding="utf-8")
    (tmp_path / "vanallen_cubesat.h").write_text(c_header(preset("cubesat")))
    (tmp_path / "example.c").write_text(
        page.split("```c\n")[1].split("```")[0] + "int main(void) { return (int)run(0, 1); }\n"
    )
    subprocess.run([*STRICT, "-c", "example.c"], cwd=tmp_path, check=True)
