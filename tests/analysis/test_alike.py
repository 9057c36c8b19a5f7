"""Whether runs are one search, and in what searches differ, by their recipes."""

import pytest

from analysis.compare import compare
from analysis.write_compared import draw_compared
from nas.errors import RunError


def test_what_else_differs_is_told(run_folder):
    a, b = run_folder(10), run_folder(10, name="other")
    for folder, epochs in ((a, 1), (b, 4)):
        (folder / "recipe.yaml").write_text(f"training: {{epochs: {epochs}, augment: {{flip: {epochs == 4}}}}}\n")
    assert compare(a, b).unlike == ("training.epochs (1 and 4)", "training.augment.flip (False and True)")
    assert compare(a, a).unlike == ()
    for folder, space, cpu in ((a, "googlenet", 1), (b, "toy", 2)):
        resources = f"resources: {{cpu: {cpu}, concurrency: {cpu}}}"
        (folder / "recipe.yaml").write_text(f"space: {space}\nsampler: {{name: {space}}}\n{resources}\n")
    assert compare(a, b).unlike == ("space (googlenet and toy)", "resources.cpu (1 and 2)")


def test_a_random_search_has_the_budget_data_and_training_of_those_beside_it(run_folder):
    a, b, random = (run_folder(10, 0, name) for name in ("a", "b", "random"))
    common = "seed: 0\nsampler: {name: random}\n"
    for run in (a, b):
        (run / "recipe.yaml").write_text(f"{common}budget: {{macs: 1}}\ntraining: {{epochs: 1}}\nspace: one\n")
    (random / "recipe.yaml").write_text(f"{common}budget: {{macs: 1}}\ntraining: {{epochs: 1}}\nspace: two\n")
    found = compare(a, b, random=random)
    assert found.over_random is not None and found.unlike == ("space (one and two)",), "as of a and b it is told"
    for text, said in (
        ("budget: {macs: 2}\n", r"budget\.macs \(1 and 2\)"),
        ("training: {epochs: 3}\n", r"training\.epochs \(1 and 3\)"),
    ):
        (random / "recipe.yaml").write_text(f"{common}{text}")
        with pytest.raises(RunError, match=rf"must have the budget, .* but .*a and .*random differ in {said}\.$"):
            compare(a, b, random=random)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sampler: {name: gp, options: {additive: true}}", "sampler.options.additive (None and True)"),
        ("sampler: {name: tpe, options: {}}", "sampler.name (gp and tpe)"),
        ("sampler: {name: gp, options: {}}\nbudget: {macs: 2}", "budget.macs (1 and 2)"),
        ("sampler: {name: gp, options: {}}\nearly_stopping: {rule: asha}", "early_stopping.rule (none and asha)"),
    ],
)
def test_a_folder_of_two_searches_is_not_one_with_two_seeds(text, said, run_folder, tmp_path):
    first, second, other = run_folder(10, 0, "mixed/0"), run_folder(10, 1, "mixed/1"), run_folder(10, 0, "other")
    common = "sampler: {name: gp, options: {}}\nbudget: {macs: 1}\nearly_stopping: {rule: none}\n"
    (first / "recipe.yaml").write_text(f"seed: 0\n{common}")
    (second / "recipe.yaml").write_text(f"seed: 1\n{common}")
    assert compare(tmp_path / "mixed", other)
    (second / "recipe.yaml").write_text(f"seed: 1\n{text}\n")
    with pytest.raises(RunError) as refused:
        compare(tmp_path / "mixed", other)
    told = f"the runs of one search must differ in their seeds alone, but {first} and {second} differ in {said}."
    assert str(refused.value) == told
    with pytest.raises(RunError, match="must differ in their seeds alone"):
        draw_compared([other, tmp_path / "mixed"], tmp_path / "drawn")
