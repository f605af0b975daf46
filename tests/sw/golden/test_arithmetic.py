"""The arithmetic against its integer form, against onnxruntime and against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from vanallen.sw.golden.arithmetic import matrix_product, requantize, requantize_integer, wrap_int32

INT32 = np.iinfo(np.int32)


def random_scales(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Scales 2^-40 to 2^10, one in sixteen subnormal, zero, a power of two or huge."""
    scales = np.exp2(rng.uniform(-40, 10, count)).astype(np.float32)
    odd = rng.random(count) < 1 / 16
    choices = np.array([0, -0.0, 1e-45, 1e-40, 1.17e-38, 1.1754944e-38, 3.4e38, 1, 0.5, 2**-9, 2**-23, 2**-24, 2**-31])
    scales[odd] = rng.choice(choices.astype(np.float32), int(odd.sum()))
    return scales


def boundary_accumulators(rng: np.random.Generator, scales: NDArray[np.float32]) -> NDArray[np.int32]:
    """Accumulators within a step or two of where the scaled value is half way between two integers."""
    halves = rng.integers(-300, 300, len(scales)) + 0.5
    with np.errstate(divide="ignore", over="ignore"):
        ideal = halves / scales.astype(np.float64)
    return wrap_int32(np.clip(ideal, INT32.min + 2, INT32.max - 2).astype(np.int64) + rng.integers(-2, 3, len(scales)))


def random_accumulators(rng: np.random.Generator, count: int) -> NDArray[np.int32]:
    """Accumulators of every magnitude, the extremes of int32 and ties of the rounding to 24 bits among them."""
    magnitude = np.exp2(rng.uniform(0, 31, count)).astype(np.int64)
    ties = rng.random(count) < 1 / 8
    magnitude[ties] = (1 << 24) + 2 * rng.integers(0, 1 << 10, int(ties.sum())) + 1
    values = np.clip(magnitude * rng.choice(np.array([-1, 1]), count), INT32.min, INT32.max)
    values[:: max(1, count // 64)] = rng.choice([INT32.min, INT32.max, 0, 1, -1], len(values[:: max(1, count // 64)]))
    return wrap_int32(values)


@pytest.mark.parametrize("kind", ["random", "boundary"])
def test_requantize_equals_its_integer_form(kind: str) -> None:
    rng = np.random.default_rng(1)
    count = 100_000
    scales = random_scales(rng, count)
    accumulators = boundary_accumulators(rng, scales) if kind == "boundary" else random_accumulators(rng, count)
    bias = np.where(rng.random(count) < 0.5, 0, rng.integers(INT32.min, INT32.max, count)).astype(np.int32)
    accumulators = wrap_int32(accumulators.astype(np.int64) - bias)
    for zero_point, low, high in ((0, -128, 127), (-128, -128, 127), (127, -100, 90), (5, 5, 127)):
        part = slice(0, count) if zero_point == 0 else slice(0, 5_000)
        got = requantize(accumulators[part], bias[part], scales[part], zero_point, low, high)
        want = [
            requantize_integer(*values, zero_point, low, high)
            for values in zip(accumulators[part].tolist(), bias[part].tolist(), scales[part], strict=True)
        ]
        assert np.flatnonzero(got != np.array(want)).tolist() == []
        assert len(np.unique(got)) > 50, "the cases must reach many different outputs"


@pytest.mark.parametrize(
    ("accumulator", "bias", "scale", "want"),
    [
        (1, 0, 0.5, 0),  # ties go to even
        (3, 0, 0.5, 2),
        (-1, 0, 0.5, 0),
        (-3, 0, 0.5, -2),
        (-5, 0, 0.5, -2),
        (10, 3, 1.0, 13),
        (INT32.max, 1, 2.0**-31, -1),  # the sum wraps
        (INT32.min, 0, 2.0**-31, -1),
        (INT32.max, 0, 2.0**-31, 1),
        ((1 << 24) + 1, 0, 2.0**-18, 64),  # the sum is rounded to 24 bits: 2^24
        ((1 << 24) + 3, 0, 1 / 16, 127),
        ((1 << 25) + 2, 0, 2.0**-26, 0),  # a tie only because the sum is rounded to 2^25
        ((3 << 24) - 1, 0, 2.0**-25, 2),  # 1.49999997 is rounded to 1.5 first
        (INT32.max, 0, 3.4e38, 127),  # the product overflows
        (INT32.min, 0, 3.4e38, -128),
        (INT32.max, 0, 1e-40, 0),  # subnormal
        (INT32.max, 0, 0.0, 0),
        (0, 0, 3.4e38, 0),
    ],
)
def test_requantize_by_hand(accumulator: int, bias: int, scale: float, want: int) -> None:
    assert requantize([accumulator], [bias], [scale], 0, -128, 127).tolist() == [want]
    assert requantize_integer(accumulator, bias, scale, 0, -128, 127) == want


def test_zero_point_comes_before_the_clamp() -> None:
    assert requantize([200, -200], 0, 1.0, -100, -128, 127).tolist() == [100, -128]
    assert requantize([255, 256], 0, 1.0, -128, -128, 127).tolist() == [127, 127]


def test_the_clamp_tests_low_first() -> None:
    values = [0, 1, 2, 3, 4]
    assert requantize(values, 0, 1.0, 0, 3, 1).tolist() == [3, 3, 3, 1, 1]
    assert [requantize_integer(value, 0, 1.0, 0, 3, 1) for value in values] == [3, 3, 3, 1, 1]


@pytest.mark.parametrize("scale", [-1.0, float("inf"), float("nan")])
def test_requantize_refuses_a_bad_scale(scale: float) -> None:
    with pytest.raises(ValueError, match="scale must be finite"):
        requantize([1], [0], [scale], 0, -128, 127)
    with pytest.raises(ValueError, match="scale must be finite"):
        requantize_integer(1, 0, scale, 0, -128, 127)


def qlinear_matmul(
    a: NDArray[np.int8], b: NDArray[np.int8], scales: tuple[float, NDArray[np.float32], float], zero_point: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """onnxruntime's QLinearMatMul with ``scales`` of a, b and y, and the scale that its definition makes of them."""
    sa, sb, sy = np.float32(scales[0]), scales[1].astype(np.float32), np.float32(scales[2])
    constants = {
        "sa": sa,
        "za": np.int8(0),
        "b": b,
        "sb": sb,
        "zb": np.zeros(sb.shape, np.int8),
        "sy": sy,
        "zy": np.int8(zero_point),
    }
    node = helper.make_node("QLinearMatMul", ["a", "sa", "za", "b", "sb", "zb", "sy", "zy"], ["y"])
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.INT8, a.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT8, (a.shape[0], b.shape[1]))],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"a": a})[0], (sa * sb) / sy


@pytest.mark.parametrize("depth", [1, 7, 64, 2_000, 30_000])
def test_requantize_equals_onnxruntime(depth: int) -> None:
    """With weights that all agree in sign at 2,000 and more, so that accumulators pass 2^24."""
    rng = np.random.default_rng(depth)
    reached = 0
    for case in range(12):
        low, high = (90, 128) if depth >= 2_000 else (-128, 128)
        a = rng.integers(low, high, (40, depth)).astype(np.int8)
        b = rng.integers(low, high, (depth, 24)).astype(np.int8)
        accumulators = matrix_product(a, b)
        assert np.array_equal(accumulators, a.astype(np.int32) @ b.astype(np.int32))
        reached = max(reached, int(np.abs(accumulators).max()))
        spread = max(1.0, float(np.abs(accumulators).max()))
        sb = (rng.uniform(0.5, 2, 24) * 100 / spread).astype(np.float32)
        zero_point = int(rng.integers(-128, 128)) if case else 0
        want, scale = qlinear_matmul(a, b, (0.37, sb, 0.37 * float(rng.uniform(0.9, 1.1))), zero_point)
        got = requantize(accumulators, 0, scale, zero_point, -128, 127)
        assert np.argwhere(got != want).tolist() == []
    assert depth < 2_000 or reached > 1 << 24


def test_matrix_product_is_exact_at_the_longest_sum_in_float32() -> None:
    for depth in (1_024, 1_025, 32_768):
        a = np.full((1, depth), -128, np.int8)
        assert matrix_product(a, a.T).item() == depth << 14
    with pytest.raises(TypeError, match="activations must be int8, not int32"):
        matrix_product(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.int8))


def test_wrap_int32() -> None:
    assert wrap_int32([1 << 31, -(1 << 31) - 1, 1 << 32, 5]).tolist() == [INT32.min, INT32.max, 0, 5]
