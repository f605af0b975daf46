"""Multiply-accumulates of nodes that stay on the host."""

from __future__ import annotations

from math import prod

from .graph import Graph

__all__ = ["host_macs"]

_CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3}
_MATRIX_PRODUCTS = {"MatMul": 1, "MatMulInteger": 1, "Gemm": 1, "QLinearMatMul": 3, "QGemm": 3}


def host_macs(graph: Graph, index: int) -> int:
    """Multiply-accumulates of node ``index``: of convolutions and matrix products; 0 for all others."""
    node = graph.nodes[index]
    if node.op_type not in {*_CONVOLUTIONS, *_MATRIX_PRODUCTS, "ConvTranspose"}:
        return 0
    shape, result = (graph.types[name].shape for name in (node.input[0], node.output[0]))
    if node.op_type == "ConvTranspose":
        return prod(shape) * prod(graph.types[node.input[1]].shape[1:])
    if node.op_type in _CONVOLUTIONS:
        return prod(result) * prod(graph.types[node.input[_CONVOLUTIONS[node.op_type]]].shape[1:])
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return prod(result) * (shape[0] if transposed else shape[-1])
