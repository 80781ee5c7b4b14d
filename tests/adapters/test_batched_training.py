"""Many adapters at once equal the same adapters trained one at a time, the plain way."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from adapter_world import World

from t2w.adapters import Adapter, Recipe, TrainedAdapters, accuracy, batch_positions, recipe, train_tasks
from t2w.adapters.holdout import class_rows
from t2w.features import FeatureSet

FEW = recipe("fast", steps=25, batch_size=16, learning_rate=1e-2)


def train(world: World, tasks: list[int] | None = None, *, how: Recipe = FEW, **options: object) -> TrainedAdapters:
    ids = list(range(len(world.tasks))) if tasks is None else tasks
    return train_tasks(
        world.spec, world.base, world.train, world.text, [world.tasks[i] for i in ids], ids, recipe=how, **options
    )  # type: ignore[arg-type]


def one_at_a_time(world: World, task_id: int, how: Recipe, seed: int) -> tuple[torch.Tensor, float]:
    """The textbook loop: a module, autograd, torch's Adam, on the same batches in float64. Weights and last loss."""
    rows = class_rows(world.train, validation_fraction=how.validation_fraction).train
    classes = world.tasks[task_id]
    own = torch.cat([rows[c] for c in classes])
    new_label = {c: j for j, c in enumerate(classes)}
    labels = torch.tensor([new_label[int(c)] for c in world.train.labels[own]])
    x, text = world.train.dense()[own].double(), F.normalize(world.text.double(), dim=-1)[classes]
    adapter = Adapter.from_vector(world.spec, world.base.double())
    steps = how.steps_for(len(own))
    optimiser, losses = torch.optim.Adam(adapter.parameters()), []
    for step, batch in enumerate(
        batch_positions(len(own), steps=steps, batch_size=how.batch_size, seed=seed, task_id=task_id)
    ):
        optimiser.param_groups[0]["lr"] = how.rate(step, steps)
        loss = F.cross_entropy(adapter.logits(x[batch], text), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return adapter.vector(), sum(losses[-10:]) / len(losses[-10:])


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest norm-wise relative difference of two sets of vectors."""
    return float(((a - b).norm(dim=-1) / b.norm(dim=-1)).max())


@pytest.mark.parametrize(
    "how",
    [
        FEW,
        recipe("paper", epochs=2, batch_size=16, learning_rate=1e-3),
        recipe("fast", steps=None, epochs=3, batch_size=16, learning_rate=1e-2),
        recipe("fast", steps=8, batch_size=64, learning_rate=1e-2, validation_fraction=0.3),
    ],
    ids=["steps", "epochs-constant", "epochs-cosine", "held-out"],
)
def test_equals_one_at_a_time_in_float64(world: World, how: Recipe) -> None:
    trained = train(world, how=how, seed=3, dtype=torch.float64, group_size=4)
    for i in range(len(world.tasks)):
        vector, loss = one_at_a_time(world, i, how, seed=3)
        assert distance(trained.vectors[i], vector) < 1e-9
        assert float(trained.losses[i]) == pytest.approx(loss, rel=1e-6)


def test_steps_follow_the_tasks_images(world: World) -> None:
    how = recipe("paper", epochs=2, batch_size=16)
    images = [sum(10 + c for c in classes) for classes in world.tasks]
    assert train(world, how=how).steps.tolist() == [2 * -(-n // 16) for n in images]


@pytest.mark.parametrize("group_size", [1, 3, 64])
def test_group_size_does_not_matter(world: World, group_size: int) -> None:
    one, other = train(world, group_size=2), train(world, group_size=group_size)
    assert distance(other.vectors, one.vectors) < 1e-5


def test_neighbours_order_and_repetition_do_not_matter(world: World) -> None:
    everything = train(world, group_size=4)
    some = [7, 2, 9]
    assert distance(train(world, some, group_size=4).vectors, everything.vectors[some]) < 1e-5
    assert torch.equal(train(world, group_size=4).vectors, everything.vectors)


def test_number_of_threads_does_not_matter_and_is_left_alone(world: World) -> None:
    one = train(world, group_size=4)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(2)
    assert torch.equal(train(world, group_size=4).vectors, one.vectors)
    assert torch.get_num_threads() == 2


def test_seed_and_task_id_choose_the_batches(world: World) -> None:
    one, other = train(world, [5], seed=0), train(world, [5], seed=1)
    assert distance(one.vectors, other.vectors) > 1e-3
    renamed = train_tasks(world.spec, world.base, world.train, world.text, [world.tasks[5]], [6], recipe=FEW)
    assert distance(one.vectors, renamed.vectors) > 1e-3


def test_no_global_randomness_is_used_or_moved(world: World) -> None:
    before = torch.get_rng_state()
    train(world, [0, 1])
    assert torch.equal(torch.get_rng_state(), before)


def test_each_task_can_start_from_its_own_weights(world: World) -> None:
    starts = torch.stack([world.base, 2 * world.base])
    tasks, ids = world.tasks[:2], [0, 1]
    both = train_tasks(world.spec, starts, world.train, world.text, tasks, ids, recipe=FEW, group_size=1)
    alone = train_tasks(world.spec, starts[1], world.train, world.text, tasks[1:], ids[1:], recipe=FEW, group_size=1)
    assert torch.equal(both.vectors[1], alone.vectors[0])


def test_training_helps_and_bfloat16_is_as_good(world: World) -> None:
    how = recipe("fast", steps=150, batch_size=16, learning_rate=1e-2)
    measured = {}
    for name, vectors in {
        "base": world.base.expand(len(world.tasks), -1),
        "float32": train(world, how=how).vectors,
        "bfloat16": train(world, how=how, dtype=torch.bfloat16).vectors,
    }.items():
        measured[name] = float(accuracy(world.spec, vectors, world.test, world.text, world.tasks).mean())
    assert measured["float32"] > measured["base"] + 0.2
    assert abs(measured["bfloat16"] - measured["float32"]) < 0.03


def test_stored_type_of_features_does_not_matter(world: World) -> None:
    scale = world.train.features.abs().amax(0) / 127
    packed = replace(world.train, features=(world.train.features / scale).round().to(torch.int8), scale=scale)
    plain = replace(packed, features=packed.dense(), scale=None)

    def vectors(features: FeatureSet) -> torch.Tensor:
        return train_tasks(world.spec, world.base, features, world.text, world.tasks[:3], [0, 1, 2], recipe=FEW).vectors

    assert torch.equal(vectors(packed), vectors(plain))


def test_progress_counts_every_task_once(world: World) -> None:
    counted: list[int] = []
    train(world, group_size=3, on_group=counted.append)
    assert sum(counted) == len(world.tasks)
    assert max(counted) <= 3


def test_no_tasks_give_no_adapters(world: World) -> None:
    assert train(world, []).vectors.shape == (0, world.spec.size)
