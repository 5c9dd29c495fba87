"""Floating-point operations of a traced TensorFlow function: its convolutions and matrix products, from the graph."""

__all__ = ["count_flops"]

import math

import tensorflow as tf

# Operation -> (position of the kernel among the inputs or None, what gives the spatial positions). A multiply-add
# counts as two operations; everything elementwise is left out, it is below a hundredth.
_FORWARD = ("Conv2D", "Conv3D")
_TO_INPUT = ("Conv2DBackpropInput", "Conv3DBackpropInputV2")
_TO_KERNEL = ("Conv2DBackpropFilter", "Conv3DBackpropFilterV2")


def count_flops(function, *arguments):
    """Operations of one call of a ``tf.function``; every branch of a conditional counts.

    Shapes must be known: trace with sizes fixed.
    """
    concrete = function.get_concrete_function(*arguments)
    return sum(_of_graph(graph) for graph in _graphs(concrete.graph))


def _graphs(graph):
    """The graph and those of the functions that it calls, each once per call."""
    found = [graph]
    for operation in _needed(graph):
        for name in ("f", "then_branch", "else_branch", "body"):
            try:
                called = operation.get_attr(name).name
            except ValueError:
                continue
            inner = getattr(graph._functions.get(called), "graph", None)
            if inner is not None:
                found += _graphs(inner)
    return found


def _needed(graph):
    """The operations that run: what the outputs and the changes of variables need. Gradients are written for every
    input of an operation; TensorFlow leaves out those that nobody asked for."""
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    found = {}
    while waiting:
        operation = waiting.pop()
        if operation.name not in found:
            found[operation.name] = operation
            waiting += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return found.values()


def _of_graph(graph):
    return sum(_of_operation(operation) for operation in _needed(graph))


def _of_operation(operation):
    kind = operation.type
    if kind in _FORWARD:
        return _convolution(operation.outputs[0].shape, operation.inputs[1].shape)
    if kind in _TO_INPUT:
        return _convolution(operation.inputs[2].shape, operation.inputs[1].shape)
    if kind in _TO_KERNEL:
        return _convolution(operation.inputs[2].shape, _constant_shape(operation))
    if kind in ("MatMul", "BatchMatMulV2"):
        left, out = operation.inputs[0].shape, operation.outputs[0].shape
        across = operation.get_attr("transpose_a" if kind == "MatMul" else "adj_x")
        return 2 * out.num_elements() * (left[-2] if across else left[-1])
    return 0


def _constant_shape(operation):
    """The kernel's shape of a gradient: that of its output, or the constant that the operation is given."""
    shape = operation.outputs[0].shape
    return shape if shape.is_fully_defined() else tf.TensorShape(tf.get_static_value(operation.inputs[1]))


def _convolution(positions, kernel):
    """2 x (batch x sides) x kernel: ``positions`` is the shape (B, ..., C_out) of the convolution's output."""
    return 2 * math.prod(positions[:-1]) * math.prod(kernel)
