"""A recipe gives the same twin again, independently of other twins."""

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from patina.tasks.dataset.recipes import Recipe, Step, draw_recipe, render, single_recipe
from patina.tasks.degradations import DEGRADATIONS, Image

MIXTURE = dict.fromkeys(DEGRADATIONS, (1.0, (0.2, 0.9)))


def painting() -> Image:
    small = np.random.default_rng(5).random((6, 9, 3), dtype=np.float32)
    return np.clip(cv2.resize(small, (96, 64), interpolation=cv2.INTER_CUBIC), 0, 1)


def draw(
    number: int,
    *,
    mixture: Mapping[str, tuple[float, tuple[float, float]]] = MIXTURE,
    count: tuple[int, int] = (1, 4),
) -> Recipe:
    return draw_recipe(f"work-{number}", "twin-1", seed=0, mixture=mixture, count=count)


def recipe_of(*names: str) -> Recipe:
    steps = tuple(
        Step(step=number, name=name, severity=0.8) for number, name in enumerate(names, start=1)
    )
    return Recipe(schema=1, work="work", twin="twin-1", seed=0, steps=steps)


def test_recipes_have_all_allowed_numbers_of_steps_and_no_other() -> None:
    assert {len(draw(number).steps) for number in range(100)} == {1, 2, 3, 4}


def test_severities_are_in_their_range_and_have_four_decimals() -> None:
    severities = [step.severity for number in range(100) for step in draw(number).steps]
    assert 0.2 <= min(severities) < 0.25
    assert 0.85 < max(severities) <= 0.9
    assert all(severity == round(severity, 4) for severity in severities)


def test_steps_are_different_in_physical_order_and_numbered_from_one() -> None:
    order = list(DEGRADATIONS)
    for number in range(50):
        steps = draw(number).steps
        places = [order.index(step.name) for step in steps]
        assert places == sorted(set(places))
        assert [step.step for step in steps] == list(range(1, len(steps) + 1))


def test_a_degradation_with_a_higher_weight_is_drawn_more_often() -> None:
    mixture = {"blur": (4.0, (0.5, 0.5)), "jpeg": (1.0, (0.5, 0.5)), "fading": (0.0, (0.5, 0.5))}
    names = [draw(number, mixture=mixture, count=(1, 1)).steps[0].name for number in range(300)]
    assert names.count("fading") == 0
    assert 0.7 < names.count("blur") / 300 < 0.9


def test_the_order_in_which_the_mixture_is_written_does_not_matter() -> None:
    backwards = dict(reversed(MIXTURE.items()))
    assert draw(1) == draw(1, mixture=backwards)


def test_work_copy_and_seed_each_change_the_recipe() -> None:
    recipes = {
        draw_recipe(work, twin, seed=seed, mixture=MIXTURE, count=(4, 4)).steps
        for work in ("a", "b")
        for twin in ("twin-1", "twin-2")
        for seed in (0, 1)
    }
    assert len(recipes) == 8


def test_a_recipe_of_a_single_degradation_has_one_step_and_a_copy_with_its_name() -> None:
    recipe = single_recipe("work", "blur", seed=0, severity_range=(0.4, 0.6))
    assert recipe.twin == "only-blur"
    assert [(step.step, step.name) for step in recipe.steps] == [(1, "blur")]
    assert 0.4 <= recipe.steps[0].severity <= 0.6


def test_rendering_twice_gives_the_same_bytes() -> None:
    first, first_mask = render(painting(), draw(3, count=(7, 7)))
    second, second_mask = render(painting(), draw(3, count=(7, 7)))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first_mask, second_mask)


def test_rendering_does_not_modify_the_work() -> None:
    image = painting()
    render(image, draw(3, count=(7, 7)))
    np.testing.assert_array_equal(image, painting())


def test_leaving_a_step_out_does_not_change_the_random_numbers_of_others() -> None:
    both = recipe_of("yellow_varnish", "scratches", "gaussian_noise")
    alone = both.model_copy(update={"steps": both.steps[1:2]})
    _, mask_of_both = render(painting(), both)
    _, mask_alone = render(painting(), alone)
    assert mask_alone.any()
    np.testing.assert_array_equal(mask_of_both, mask_alone)


def test_a_subset_of_the_steps_is_rendered_independently_of_the_others() -> None:
    recipe = recipe_of("yellow_varnish", "scratches", "gaussian_noise")
    alone = recipe.model_copy(update={"steps": recipe.steps[1:2]})
    for some, whole in (({2}, alone), ({1, 2, 3}, recipe)):
        for rendered, expected in zip(
            render(painting(), recipe, only=some), render(painting(), whole), strict=True
        ):
            np.testing.assert_array_equal(rendered, expected)
    np.testing.assert_array_equal(render(painting(), recipe, only=())[0], painting())


def test_no_step_uses_the_random_stream_of_the_recipe() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Step(step=0, name="blur", severity=0.5)


def test_the_mask_is_the_maximum_of_the_masks_of_the_steps() -> None:
    both = recipe_of("scratches", "water_spill")
    masks = [
        render(painting(), both.model_copy(update={"steps": (step,)}))[1] for step in both.steps
    ]
    _, mask = render(painting(), both)
    np.testing.assert_array_equal(mask, np.maximum(*masks))


def test_damage_of_the_whole_work_leaves_the_mask_empty() -> None:
    image = painting()
    twin, mask = render(image, recipe_of("fading", "jpeg"))
    assert twin.dtype == mask.dtype == np.float32
    assert mask.shape == image.shape[:2]
    assert not mask.any()


def test_a_recipe_without_steps_gives_a_copy() -> None:
    image = painting()
    twin, mask = render(image, recipe_of())
    np.testing.assert_array_equal(twin, image)
    assert not np.shares_memory(twin, image)
    assert not mask.any()


def test_a_recipe_is_the_same_after_json() -> None:
    recipe = draw(2, count=(4, 4))
    text = recipe.model_dump_json()
    assert text.startswith(
        '{"schema":1,"work":"work-2","twin":"twin-1","seed":0,"steps":[{"step":1,'
    )
    assert Recipe.model_validate_json(text) == recipe


@pytest.mark.parametrize("text", ['"schema":2,"note":1', '"schema":1,"note":1', '"schema":2'])
def test_a_recipe_of_another_schema_or_with_unknown_keys_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"schema|note"):
        Recipe.model_validate_json("{" + text + ',"work":"a","twin":"b","seed":0,"steps":[]}')


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        draw(1).seed = 1


UNKNOWN = r"unknown degradation 'varnsh'; known: abrasion, blot, blur, .*, yellow_varnish"


def test_the_error_for_an_unknown_degradation_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError, match=UNKNOWN):
        Step(step=1, name="varnsh", severity=0.5)
    with pytest.raises(ValueError, match=UNKNOWN):
        draw(1, mixture={"varnsh": (1.0, (0.1, 0.2))}, count=(1, 1))
    with pytest.raises(ValueError, match=UNKNOWN):
        single_recipe("work", "varnsh", seed=0, severity_range=(0.1, 0.2))


@pytest.mark.parametrize("count", [(-1, 1), (3, 2), (1, len(MIXTURE) + 1)])
def test_a_number_of_steps_that_the_mixture_cannot_give_is_refused(count: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"number of steps, 0 to {len(MIXTURE)}"):
        draw(1, count=count)
