"""A work is never in two sets, and new works move no work between training and the other sets."""

from collections import Counter

import pytest

from patina.tasks.dataset.splitting import deal, group_works

SHARES = {"seed": 0, "validation": 0.2, "test": 0.1, "least_test_works": 8}


def alone(number: int) -> dict[str, str]:
    return {f"work-{i}": f"work-{i}" for i in range(number)}


def test_a_large_collection_is_divided_in_the_given_shares() -> None:
    sides = Counter(deal(alone(5000), **SHARES).values())
    assert sides["test"] == pytest.approx(500, abs=75)
    assert sides["validation"] == pytest.approx(1000, abs=100)


@pytest.mark.parametrize("number", [9, 20, 48, 100, 400])
def test_there_are_always_enough_test_works(number: int) -> None:
    sides = Counter(deal(alone(number), **SHARES).values())
    assert sides["test"] >= 8


def test_adding_works_moves_no_work_between_training_and_the_other_sets() -> None:
    before = deal(alone(40), **SHARES)
    for number in range(41, 400):
        after = deal(alone(number), **SHARES)
        moved = [work for work in before if (before[work] == "train") != (after[work] == "train")]
        assert moved == []
        before = after


def test_adding_works_moves_no_work_if_there_are_enough_test_works() -> None:
    before = deal(alone(200), **SHARES)
    after = deal(alone(1000), **SHARES)
    assert {work: after[work] for work in before} == before


def test_the_order_of_works_does_not_matter() -> None:
    works = alone(100)
    backwards = dict(reversed(works.items()))
    assert deal(works, **SHARES) == deal(backwards, **SHARES)


def test_another_seed_gives_another_split() -> None:
    assert deal(alone(100), **SHARES) != deal(alone(100), **SHARES | {"seed": 1})


def test_near_duplicates_are_in_one_group_and_so_in_one_set() -> None:
    hashes = {f"work-{i}": f"{i * 0x0123456789ABCDEF % 2**64:016x}" for i in range(60)}
    hashes["copy"] = f"{int(hashes['work-7'], 16) ^ 0b1011:016x}"  # three bits differ
    groups = group_works(hashes)
    assert groups["copy"] == groups["work-7"] == "copy"
    assert len(set(groups.values())) == 60
    sides = deal(groups, **SHARES)
    assert sides["copy"] == sides["work-7"]


def test_neighbours_of_neighbours_are_in_one_group_named_after_its_first_work() -> None:
    hashes = {f"work-{5 - i}": f"{(1 << 6 * i) - 1:016x}" for i in range(6)}  # six bits a step
    hashes["far"] = f"{(1 << 64) - 1:016x}"
    assert group_works(hashes) == {"far": "far"} | {f"work-{i}": "work-0" for i in range(6)}
    assert group_works({}) == {}


def test_a_collection_with_only_near_duplicates_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the 100 works, in 1 groups"):
        deal(dict.fromkeys(alone(100), "work-20"), **SHARES)


def test_the_error_for_too_few_works_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"only 8 works for 8 test works.*least_test_works"):
        deal(alone(8), **SHARES)
