"""The reader of .onnx files reads what the package onnx reads."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from noref import card
from noref.lab.torch.onnx_file import read

ARRAY = np.array([[0.5, -2.0], [65504.0, 6e-5]])


def proto(dtype: int, values: np.ndarray, raw: bool) -> TensorProto:
    if raw:
        return numpy_helper.from_array(values.astype(helper.tensor_dtype_to_np_dtype(dtype)), "constant")
    return helper.make_tensor("constant", dtype, values.shape, values.flatten())


def model_of(*nodes, constants=()) -> bytes:
    value = helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, None, None, 3])
    graph = helper.make_graph(nodes, "tiny", [value], [helper.make_tensor_value_info("score", 1, [1])], constants)
    return helper.make_model(graph).SerializeToString()


@pytest.mark.parametrize("path", card.shipped(), ids=lambda path: path.stem)
def test_shipped_models(path):
    found, expected = read(path.read_bytes()), onnx.load(path).graph
    assert found.inputs == [value.name for value in expected.input]
    assert found.outputs == [value.name for value in expected.output]
    assert len(found.constants) == len(expected.initializer)
    for constant in expected.initializer:
        values = numpy_helper.to_array(constant)
        assert found.constants[constant.name].dtype == values.dtype
        np.testing.assert_array_equal(found.constants[constant.name], values)
    for node, one in zip(found.nodes, expected.node, strict=True):
        assert (node.operator, node.inputs, node.outputs) == (one.op_type, list(one.input), list(one.output))
        attributes = {each.name: helper.get_attribute_value(each) for each in one.attribute}
        assert node.attributes == {name: v.decode() if isinstance(v, bytes) else v for name, v in attributes.items()}


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (TensorProto.FLOAT, ARRAY),
        (TensorProto.FLOAT16, ARRAY),
        (TensorProto.DOUBLE, ARRAY),
        (TensorProto.INT64, np.array([2**63 - 1, -(2**63), -1])),
        (TensorProto.INT32, np.array([[2**31 - 1, -1]])),
        (TensorProto.BOOL, np.array([True, False])),
        (TensorProto.FLOAT, np.array(3.0)),
        (TensorProto.INT64, np.zeros(0, np.int64)),
    ],
)
def test_every_form_of_a_constant(dtype, values, raw):
    constant = proto(dtype, values, raw)
    expected = numpy_helper.to_array(constant)
    found = read(model_of(constants=[constant])).constants["constant"]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)


def test_every_form_of_an_attribute():
    value = numpy_helper.from_array(np.arange(3))
    given = {"number": -3, "share": 0.25, "mode": "edge", "places": [1, -1], "shares": [0.5, -0.5], "value": value}
    (node,) = read(model_of(helper.make_node("Some", ["pixels", ""], ["score"], **given))).nodes
    assert node.inputs == ["pixels", ""]
    np.testing.assert_array_equal(node.attributes.pop("value"), [0, 1, 2])
    assert node.attributes == {name: value for name, value in given.items() if name != "value"}


def test_other_files_are_refused():
    content = model_of(helper.make_node("Relu", ["pixels"], ["score"]))
    text, nothing = b"This is no model but a sentence.", b""
    for wrong in (text, nothing, content[: len(content) // 2], content[:-1]):
        with pytest.raises(ValueError, match="no ONNX model"):
            read(wrong)


def test_what_export_never_writes_is_refused():
    graph = helper.make_graph([], "inner", [], [])
    with pytest.raises(ValueError, match="the attribute body holds graphs"):
        read(model_of(helper.make_node("Loop", ["pixels"], ["score"], body=graph)))
    constant = proto(TensorProto.FLOAT, ARRAY, raw=True)
    constant.data_location = TensorProto.EXTERNAL
    with pytest.raises(ValueError, match="the values of constant are in another file"):
        read(model_of(constants=[constant]))
