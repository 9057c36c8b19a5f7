"""How much each choice matters for accuracy: fANOVA and PED-ANOVA, by Optuna.

The only file of ``analysis`` that imports Optuna.
"""

import warnings
from typing import Final, Literal

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import BaseImportanceEvaluator, FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

from analysis.table import choices, proposed

Method = Literal["fanova", "ped-anova"]
METHODS: Final[tuple[Method, ...]] = ("fanova", "ped-anova")
LEAST: Final = 10
"""Networks below which an importance would be noise."""
_MOST: Final = 1000


def importances(table: pd.DataFrame, *, method: Method = "fanova", seed: int = 0) -> dict[str, float]:
    """Share of the variation of accuracy that each choice explains, largest first.

    fANOVA (Hutter et al. 2014) explains all of the variation; PED-ANOVA (Watanabe et al. 2023) asks what
    sets the best tenth apart, or the best five networks where a tenth would be fewer. Networks trained to
    the end count, seeds averaged; choices with one value, or that do not apply to every network, are left out.

    Returns:
        By choice (without ``choice.``), shares that sum to 1; empty for fewer than 10 networks.
    """
    known = proposed(table)
    known = known[known["key"].notna()]
    names = [name for name in choices(known) if known[name].notna().all() and known[name].nunique() > 1]
    if len(known) < LEAST or not names or known["accuracy"].nunique() < 2:
        return {}
    if len(known) > _MOST:
        known = known.iloc[np.random.default_rng(seed).choice(len(known), _MOST, replace=False)]
    study = _study(known, names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator: BaseImportanceEvaluator
        if method == "fanova":
            evaluator = FanovaImportanceEvaluator(seed=seed)
        else:
            evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, min(0.5, 5 / len(known))))
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    total = sum(found.values())
    return {name.removeprefix("choice."): value / total for name, value in found.items()} if total > 0 else {}


def _study(known: pd.DataFrame, names: list[str]) -> optuna.Study:
    """A study in memory that holds the table's networks, with error as its value."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(direction="minimize")
    finally:
        optuna.logging.set_verbosity(verbosity)
    columns: dict[str, list[float] | list[str]] = {}
    distributions: dict[str, BaseDistribution] = {}
    for name in names:
        values = known[name]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            # By rank: fANOVA weighs a value by the interval around it, and widths are spaced finely, then coarsely.
            kinds, ranks = np.unique(values.to_numpy(dtype=float), return_inverse=True)
            columns[name] = ranks.astype(float).tolist()
            distributions[name] = FloatDistribution(-0.5, len(kinds) - 0.5)
        else:
            words = values.astype(str).tolist()
            columns[name] = words
            distributions[name] = CategoricalDistribution(sorted(set(words)))
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={name: columns[name][index] for name in names}, distributions=distributions, value=error
            )
            for index, error in enumerate(known["error"].tolist())
        ]
    )
    return study
