from __future__ import annotations

import pytest
import torch

from t2w.config.schema import DiffusionConfig
from t2w.diffusion import linear_schedule, respace, respaced, trailing_timesteps
from t2w.errors import T2WError


@pytest.mark.parametrize("steps", [1, 3, 10, 16, 600, 1000])
def test_timesteps_fall_from_the_last(steps: int) -> None:
    visited = trailing_timesteps(steps)
    assert len(visited) == steps
    assert visited[0] == 999
    assert min(visited) >= 0
    assert list(visited) == sorted(set(visited), reverse=True)


def test_all_thousand_steps_visit_every_timestep() -> None:
    assert trailing_timesteps(1000) == respace("1000") == respace("ddim1000") == tuple(range(999, -1, -1))


def test_a_section_has_both_its_ends() -> None:
    rising = respace("100")[::-1]
    assert rising[:3] == (0, 10, 20)
    assert rising[-3:] == (979, 989, 999)
    assert respace("1") == (0,)
    assert respace("2") == (999, 0)


def test_sections_are_respaced_on_their_own() -> None:
    # 1000 timesteps in three sections: 334, 333 and 333 of them.
    rising = respace("10,15,20")[::-1]
    parts = [[t for t in rising if begin <= t < end] for begin, end in ((0, 334), (334, 667), (667, 1000))]
    assert [len(part) for part in parts] == [10, 15, 20]
    assert [(part[0], part[-1]) for part in parts] == [(0, 333), (334, 666), (667, 999)]
    assert parts[0] == [0, 37, 74, 111, 148, 185, 222, 259, 296, 333]


def test_halves_go_to_the_even_neighbour() -> None:
    assert respace("3", 6) == (5, 2, 0)  # 2.5 -> 2
    assert respace("3", 8) == (7, 4, 0)  # 3.5 -> 4


@pytest.mark.parametrize(("count", "stride"), [(50, 20), (7, 143), (1000, 1), (2, 500)])
def test_ddim_strides_are_whole_and_begin_at_zero(count: int, stride: int) -> None:
    rising = respace(f"ddim{count}")[::-1]
    assert len(rising) == count
    assert rising == tuple(range(0, 1000, stride))


def test_a_count_no_stride_gives_is_named() -> None:
    with pytest.raises(T2WError, match="no whole-number stride takes 600 of 1000 timesteps"):
        respace("ddim600")


@pytest.mark.parametrize("spec", ["", "ddim", "ten", "10,", "10,0", "-5", "ddim10,20", "1.5"])
def test_other_strings_are_refused(spec: str) -> None:
    with pytest.raises(T2WError, match='expected counts such as "100"'):
        respace(spec)


def test_a_section_too_small_is_named() -> None:
    with pytest.raises(T2WError, match="asks for 400 timesteps of section 2, which has 333"):
        respace("10,400,20")


@pytest.mark.parametrize("spec", ["1", "20", "10,15,20", "ddim50"])
def test_the_respaced_alpha_bar_are_a_subset(spec: str) -> None:
    full, visited = linear_schedule(), respace(spec)
    few = respaced(full, visited)
    assert few.timesteps == len(visited)
    torch.testing.assert_close(few.alpha_bar, full.alpha_bar[list(visited[::-1])], rtol=1e-6, atol=0)
    assert ((few.betas > 0) & (few.betas < 1)).all()


def test_visiting_every_timestep_changes_nothing() -> None:
    full = linear_schedule()
    torch.testing.assert_close(respaced(full, range(999, -1, -1)).betas, full.betas, rtol=1e-10, atol=0)


@pytest.mark.parametrize("visited", [[], [1000, 5], [5, -1], [5, 5], [3, 7]])
def test_timesteps_that_do_not_fall_within_the_schedule_are_refused(visited: list[int]) -> None:
    with pytest.raises(T2WError, match="falling timesteps between 999 and 0"):
        respaced(linear_schedule(), visited)


@pytest.mark.parametrize(
    ("value", "spec"), [(None, None), (100, "100"), ([10, 15, 20], "10,15,20"), ("ddim50", "ddim50"), ("5,5", "5,5")]
)
def test_the_configuration_takes_respacing_as_the_command_line_writes_it(value: object, spec: str | None) -> None:
    assert DiffusionConfig.read({"timesteps": 1000, "respacing": value}).respacing == spec


@pytest.mark.parametrize("value", ["", "ten", "ddim", "10,,5", [], True, 1.5, [1.5]])
def test_the_configuration_refuses_other_respacing(value: object) -> None:
    with pytest.raises(T2WError, match="respacing is"):
        DiffusionConfig.read({"timesteps": 1000, "respacing": value})
