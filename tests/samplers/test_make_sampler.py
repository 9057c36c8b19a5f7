"""Samplers by name and by import path, their options, and how they are refused."""

from pathlib import Path

import pytest
import toys

from nas.errors import SamplerError
from nas.journal import Journal
from nas.proposer import Proposer
from nas.samplers import NAMES, Sampler, make_sampler
from nas.samplers.evolution import EvolutionSampler


def make(name: str, **options: object) -> Sampler:
    return make_sampler(name, options)


@pytest.mark.parametrize("name", NAMES)
def test_built_in_names(name: str) -> None:
    assert make_sampler(name).name == name


def test_options_arrive() -> None:
    assert make("evolution", population=7, tournament=2) == EvolutionSampler(population=7, tournament=2)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "tbe",
            {},
            "sampler must be one of gp, random, evolution, tpe, nsga2, or an Optuna sampler as 'package.module:Class', "
            "but got 'tbe'; did you mean 'tpe'?",
        ),
        (
            "zzz",
            {},
            "sampler must be one of gp, random, evolution, tpe, nsga2, or an Optuna sampler as 'package.module:Class', "
            "but got 'zzz'.",
        ),
        ("tpe", {"n_startup": 3}, "sampler 'tpe' has no option 'n_startup'; did you mean 'n_startup_trials'?"),
        ("random", {"x": 3}, "sampler 'random' has no option 'x'; it has none."),
        ("evolution", {"zzz": 3}, "sampler 'evolution' has no option 'zzz'; it has population, tournament."),
        (
            "evolution",
            {"tournament": 30},
            "`1 <= tournament <= population` must hold, but got tournament=30, population=20.",
        ),
        (
            "gp",
            {"startup": 1},
            "`startup >= 2` and `random_points >= 1` must hold, but got startup=1, random_points=64.",
        ),
        ("gp", {"startup": "many"}, "option startup of sampler 'gp' must be a whole number, but got 'many'."),
        (
            "nsga2",
            {"population_size": 1},
            "sampler 'nsga2' cannot be built: `population_size` must be greater than or equal to 2.",
        ),
        ("optuna.samplers:RandomSampler", {"seed": 3}, "sampler 'optuna.samplers:RandomSampler' must be given no seed, "
         "for it draws by the seed of the search, but got seed=3."),
        ("no_such_package:Sampler", {}, "sampler 'no_such_package:Sampler' cannot be imported: "
         "No module named 'no_such_package'."),
        ("optuna.samplers:Nothing", {}, "sampler 'optuna.samplers:Nothing' cannot be imported: "
         "module 'optuna.samplers' has no attribute 'Nothing'."),
        (":Sampler", {}, "sampler ':Sampler' cannot be imported: Empty module name."),
        (".x:Sampler", {}, "sampler '.x:Sampler' cannot be imported: the 'package' argument is required to perform a "
         "relative import for '.x'."),
    ],
)  # fmt: skip
def test_refusals(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(SamplerError) as caught:
        make(name, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize("path", ["toy_samplers:not_a_sampler", "toys:SPACE"])
def test_what_is_no_sampler_is_refused(path: str) -> None:
    with pytest.raises(SamplerError, match=r"must be a subclass of optuna\.samplers\.BaseSampler, but it is"):
        make(path)


def test_a_sampler_that_needs_more_than_a_seed_is_refused() -> None:
    with pytest.raises(SamplerError, match=r"^sampler 'optuna.samplers:GridSampler' cannot be built: .*search_space"):
        make("optuna.samplers:GridSampler")


def test_what_a_users_sampler_raises_is_told_in_one_sentence() -> None:
    sampler = make("optuna.samplers:PartialFixedSampler", fixed_params={}, base_sampler=3)
    proposer = Proposer(toys.SPACE, toys.BUDGET, sampler, Journal.in_memory(objectives=("accuracy",)), seed=0)
    assert proposer.ask() is not None, "the reference"
    with pytest.raises(SamplerError, match=r"cannot propose a point: 'int' object has no attribute"):
        proposer.ask()


def test_a_module_that_fails_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unfinished.py").write_text("class Mine(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SamplerError, match=r"^sampler 'unfinished:Mine' cannot be imported: .*line 1"):
        make("unfinished:Mine")
