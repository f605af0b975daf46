"""A fault in the chip is found, and where it is."""

import numpy as np
import pytest

from vanallen.rtl.config import preset
from vanallen.sw.compiler import InputError, compile_model
from vanallen.sw.driver import Driver, GoldenTarget
from vanallen.sw.models import load_input, load_model
from vanallen.sw.session import Session, run_model
from vanallen.sw.session.check import Differences, compare

CONFIG = preset("nano")
IMAGES = load_input("digits:test").arrays["image"]


class FaultyTarget(GoldenTarget):
    """Flips a bit of an activation word that command ``command`` has written, in inference ``inference``."""

    def __init__(self, *, command, row, column, inference):
        super().__init__(CONFIG)
        self.place = command, row, column
        self.left = inference

    def _start(self, *, first, count, **others):
        super()._start(first=first, count=count, **others)
        command, row, column = self.place
        if (first, count) == (command, 1):
            if self.left == 0:
                fields = self.last_job.layers[-1].fields
                word = fields["output_base"] + row * fields["output_groups"] + column // CONFIG.rows
                self.accelerator.activation[word, column % CONFIG.rows] ^= 1
            self.left -= 1


def checked(target, images):
    session = Session(compile_model(load_model("digits"), CONFIG), Driver(target, config=CONFIG), check=True)
    return session, session.run({"image": images})


@pytest.mark.parametrize(("command", "row", "column"), [(0, 5, 11), (1, 15, 0), (3, 0, 9)])
def test_one_wrong_value_is_found_where_it_is(command, row, column):
    target = FaultyTarget(command=command, row=row, column=column, inference=2)
    session, _ = checked(target, IMAGES[:4])
    found = session.checker.layers
    assert [found[index].differing for index in range(command + 1)] == [*[0] * command, 1]
    (first,) = found[command].first
    assert (first.inference, first.row, first.column) == (2, row, column)
    assert abs(first.got - first.want) == 1
    assert f"row {row}, column {column}: got" in str(first)


def test_padding_channels_are_compared_too():
    session, outputs = checked(FaultyTarget(command=3, row=0, column=11, inference=0), IMAGES[:1])
    assert session.checker.layers[3].differing == 1
    program = session.program
    assert program.outputs["logits"].shape == (1, 10) and outputs["logits"].shape == (1, 10)


def test_without_faults_nothing_differs_and_every_value_is_compared():
    session, outputs = checked(GoldenTarget(CONFIG), IMAGES[:2])
    assert [part.differing for part in session.checker.layers.values()] == [0, 0, 0, 0]
    sizes = [part.compared for part in session.checker.layers.values()]
    assert sizes == [2 * 64 * 12, 2 * 16 * 24, 2 * 4 * 16, 2 * 12]
    plain = Session(session.program, Driver(GoldenTarget(CONFIG), config=CONFIG))
    assert np.array_equal(plain.run({"image": IMAGES[:2]})["logits"], outputs["logits"])
    assert plain.checker is None and plain.cycles == {}


def test_a_chip_of_another_configuration_is_refused():
    program = compile_model(load_model("digits"), CONFIG)
    other = preset("cubesat")
    with pytest.raises(InputError, match="for nano, not for cubesat"):
        Session(program, Driver(GoldenTarget(other), config=other))


def test_nan_equals_nan_and_nothing_else():
    got, want = np.array([[np.nan, np.nan, 1, 0.0]]), np.array([[np.nan, 1, np.nan, -0.0]])
    differences = Differences()
    differences.add("y", 0, got, want)
    assert (differences.compared, differences.differing) == (4, 2)


def test_outputs_of_another_shape_or_type_differ_everywhere():
    assert compare("y", np.zeros((2, 3)), np.zeros((2, 4))).differing == 8
    assert compare("y", np.zeros(3, np.float32), np.zeros(3)).differing == 3
    assert compare("y", np.zeros((2, 3)), np.zeros((2, 3))).differing == 0
    assert compare("y", np.float32(1), np.float32(2)).differing == 1


def test_report_of_a_run_with_and_without_check(tmp_path):
    plain = run_model("digits", "digits:test", config=CONFIG, limit=2, folder=tmp_path)
    assert (plain.bit_exact, plain.differing_values, plain.differences, plain.total_cycles) == (None, None, (), None)
    both = run_model("digits", "digits:test", config=CONFIG, limit=2, check=True, folder=tmp_path).as_json()
    keys = {"name", "op", "where", "why", "macs", "cycles", "ideal_cycles", "model_cycles", "bound", "utilization"}
    assert all(set(layer) >= keys for layer in both["layers"])
    assert both["bit_exact"] is True and both["outputs"] == str(tmp_path / "digits-nano-golden.npz")
    assert {both["health"][name] for name in ("corrected", "recovered", "uncorrectable")} == {0}
