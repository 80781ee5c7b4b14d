"""A classifier as one ONNX graph: bytes of pictures in, probabilities and what is none of these out."""

from __future__ import annotations

import logging
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from t2w.decision import Decision
from t2w.export.encoder import EncoderGraph

if TYPE_CHECKING:
    from onnx import ModelProto
    from onnxruntime import InferenceSession

__all__ = ["INNER", "INPUT", "OPSET", "OUTPUTS", "front_graph", "joined", "network_graph", "quietly", "session_of"]

OPSET = 18  # the first whose Resize is antialiased
INPUT, OUTPUTS = "images", ("probabilities", "none", "none_score", "nearest_known")
INNER = "pixels"
_ENCODER = "'encoder'"  # as the exporter writes the module a node comes from

_FRONT = """
<ir_version: {ir}, opset_import: ["" : {opset}]>
front (uint8[N, {height}, {width}, 3] images) => (uint8[N, 3, {h}, {w}] pixels)
{steps}
"""
_AS_IT_IS = """{{
    pixels = Transpose <perm = [0, 3, 1, 2]> (images)
}}"""
_RESIZE = """
    number = Shape <end = 1> (images)
    sizes = Concat <axis = 0> (number, channels, {to})
    planes = Transpose <perm = [0, 3, 1, 2]> (images)
    {out} = Resize <mode = "{mode}", cubic_coeff_a = -0.5, antialias = 1,
                    coordinate_transformation_mode = "half_pixel"> (planes, , , sizes)
"""  # with all four sizes: onnxruntime's optimizer trips over the attribute `axes`
_TO_SIZE = """
<int64[1] channels = {{3}}, int64[2] size = {{{h}, {w}}}>
{{
    {resize}
}}"""
_TO_SHORTER = """
<int64[1] channels = {{3}}, int64[2] size = {{{h}, {w}}}, int64[1] shorter = {{{shorter}}}, int64[1] two = {{2}},
 int64[2] places = {{2, 3}}>
{{
    sides = Shape <start = 1, end = 3> (images)
    least = ReduceMin <keepdims = 1> (sides)
    times = Mul (sides, shorter)
    whole = Div (times, least)
    {resize}
    spare = Sub (whole, size)
    begin = Div (spare, two)
    end = Add (begin, size)
    pixels = Slice (resized, begin, end, places)
}}"""  # integers throughout, so that sizes come out as they do with Pillow


def network_graph(encoder: EncoderGraph, decision: Decision) -> ModelProto:
    """Bytes of the encoder's own size (N, 3, h, w), or (N, h, w) of grey images, to `OUTPUTS`. N is free."""
    example = torch.zeros(2, *((3,) if encoder.colour else ()), *encoder.size, dtype=torch.uint8)
    halves = nn.Sequential(OrderedDict[str, nn.Module](encoder=encoder.module, decision=decision))
    with quietly(), torch.no_grad():
        program = torch.onnx.export(
            halves.eval(),
            (example,),
            input_names=[INNER if encoder.colour else INPUT],
            output_names=list(OUTPUTS[: 1 if decision.rule is None else None]),
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            verbose=False,
        )
    assert program is not None  # it writes no file
    return _tidied(program.model_proto)


def _tidied(model: ModelProto) -> ModelProto:
    """Nodes named by the half they are of, without the exporter's notes, which tell where this package lies."""
    for i, node in enumerate(model.graph.node):
        scopes = next((one.value for one in node.metadata_props if one.key.endswith("name_scopes")), "")
        node.name = f"{'encoder' if _ENCODER in scopes else 'decision'}/{i}_{node.op_type}"
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def front_graph(encoder: EncoderGraph, ir: int) -> ModelProto:
    """Pictures (N, H, W, 3), of any size where the encoder's resizing is one that ONNX has, to (N, 3, h, w).

    Args:
        ir: version of the format of the graph that it is for.
    """
    from onnx import parser

    (h, w), how = encoder.size, encoder.resize
    height, width = (h, w) if how is None else ("H", "W")
    if how is None:
        steps = _AS_IT_IS.format()
    elif how.shorter is None:
        steps = _TO_SIZE.format(h=h, w=w, resize=_RESIZE.format(mode=how.mode, to="size", out="pixels"))
    else:
        resize = _RESIZE.format(mode=how.mode, to="whole", out="resized")
        steps = _TO_SHORTER.format(h=h, w=w, shorter=how.shorter, resize=resize)
    return parser.parse_model(_FRONT.format(ir=ir, opset=OPSET, height=height, width=width, h=h, w=w, steps=steps))


def joined(front: ModelProto, network: ModelProto) -> ModelProto:
    """Both as one graph: pictures to `OUTPUTS`."""
    from onnx import compose

    whole = compose.merge_models(front, network, io_map=[(INNER, INNER)])
    versions = {one.domain: one for one in whole.opset_import}  # merging says each twice
    del whole.opset_import[:]
    whole.opset_import.extend(versions.values())
    return whole


def session_of(model: ModelProto | str | Path) -> InferenceSession:
    """A graph, or the file of one, ready to run."""
    import onnxruntime

    source = str(model) if isinstance(model, (str, Path)) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])


@contextmanager
def quietly() -> Iterator[None]:
    """Without what exporting and quantising say of their own progress."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
