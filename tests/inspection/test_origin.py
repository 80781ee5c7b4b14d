"""The generator told the words of a file again."""

from __future__ import annotations

import pytest
import torch
from inspection_world import colour_classifier
from torch.testing import assert_close

from t2w import T2WError, TextToWeights
from t2w.inspection import origin_of


@pytest.mark.parametrize(
    "told",
    [
        {"classes": "crane, heron, school bus"},
        {"classes": "crane, heron, school bus", "senses": {"crane": "lifting device"}},
        {"classes": {"crane": "a yellow machine on a building site", "heron": None, "flurb thing": "a kind of bus"}},
    ],
)
@pytest.mark.filterwarnings("ignore::t2w.T2WWarning")
def test_its_words_give_the_file_again(told: dict, writer: TextToWeights) -> None:
    made = writer.generate(**told)
    origin = origin_of(writer, made)
    again = origin.generator.generate(origin.condition, seed=0, sampler="ddim", steps=1)
    assert_close(again, made.weights, atol=1e-5, rtol=1e-5)
    assert origin.start.shape == made.weights[0].shape
    assert not torch.equal(origin.start, made.weights[0])


def test_a_generator_of_another_encoder(writer: TextToWeights) -> None:
    with pytest.raises(T2WError, match=r"writes for the image encoder efficientnet.*takes features of colour-places@1"):
        origin_of(writer, colour_classifier())
