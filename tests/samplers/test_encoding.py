"""Points as Optuna's parameters and as features."""

import numpy as np
import pytest
import toys
from optuna.distributions import CategoricalDistribution, IntDistribution

from nas.budget import Budget
from nas.cost import Cost
from nas.samplers.encoding import constraints, distribution, distributions, to_params, to_point
from nas.samplers.features import Features
from nas.space import Choice, Space

SPACE = Space(
    name="kinds",
    choices=(
        Choice(name="even", values=(4, 8, 12)),
        Choice(name="uneven", values=(1, 2, 9)),
        Choice(name="decimal", values=(0.25, 0.5)),
        Choice(name="falling", values=(3, 1)),
        Choice(name="flag", values=(False, True)),
        Choice(name="word", values=("a", "b", "c")),
        Choice(name="single", values=(5,)),
    ),
    decode=toys.SPACE.decode,
    reference=toys.SPACE.reference,
)
COST = Cost(macs=50, params=30, weights=20, activations=10)


def test_distributions() -> None:
    assert distributions(SPACE) == {
        "even": IntDistribution(4, 12, step=4),
        "uneven": IntDistribution(0, 2),
        "decimal": IntDistribution(0, 1),
        "falling": CategoricalDistribution((3, 1)),
        "flag": CategoricalDistribution((False, True)),
        "word": CategoricalDistribution(("a", "b", "c")),
        "single": IntDistribution(0, 0),
    }


def test_values_that_are_equal_but_of_another_type_are_other_parameters() -> None:
    def kind(*values: int | float | bool) -> object:
        return distribution(Choice(name="one", values=values))

    assert kind(0, 1) == IntDistribution(0, 1)
    assert kind(False, True) == CategoricalDistribution((False, True))
    assert kind(2, 4) == IntDistribution(2, 4, step=2)
    assert kind(2.0, 4.0) == IntDistribution(0, 1)


def test_there_and_back() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        point = SPACE.sample(rng)
        params = to_params(SPACE, point)
        for name, kind in distributions(SPACE).items():
            assert kind._contains(kind.to_internal_repr(params[name]))
        back = to_point(SPACE, params)
        assert back == point
        assert [type(value) for value in back.values()] == [type(value) for value in point.values()]


def test_features() -> None:
    features = Features(SPACE, Budget(macs=100, params=100, resolution=8, classes=2))
    point = {"even": 8, "uneven": 9, "decimal": 0.5, "falling": 1, "flag": False, "word": "b", "single": 5}
    assert features.points([point]).tolist() == [[0.5, 1.0, 1.0, 0, 1, 1, 0, 0, 1, 0]]
    assert features.costs([COST, COST]) == pytest.approx(np.log([[50, 30], [50, 30]]))


def test_constraints_name_what_is_limited() -> None:
    budget = Budget(macs=100, params=20, resolution=8, classes=2)
    assert constraints(budget, COST) == pytest.approx({"macs": -0.5, "params": 0.5})
    band = Budget(params=40, resolution=8, classes=2, at_least=0.9)
    assert constraints(band, COST) == pytest.approx({"params": -0.25, "at_least": 0.15})


def test_constraints_hold_exactly_where_the_budget_allows() -> None:
    rng = np.random.default_rng(1)
    budget = Budget(macs=toys.BUDGET.macs, resolution=16, classes=10, at_least=0.5)
    allowed = set()
    for _ in range(100):
        spent = budget.cost(toys.SPACE.decode(toys.SPACE.sample(rng)))
        allowed.add(budget.allows(spent))
        assert budget.allows(spent) == all(over <= 0 for over in constraints(budget, spent).values())
    assert allowed == {True, False}
