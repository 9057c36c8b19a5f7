"""Which figures there are, of runs that are looked at together."""

from analysis.epochs import empty
from analysis.figures import Material, illustrations
from analysis.runs import stack
from analysis.table import tabulate


def test_figures_that_pool_networks_are_of_runs_that_were_trained_alike(search, budget):
    def shown(*recipes):
        tables = []
        for seed, recipe in enumerate(recipes):
            tables.append(tabulate(search(30, seed), run=f"run{seed}", budget=budget))
            tables[-1].attrs["runs"] = {f"run{seed}": {"recipe": recipe}}
        ranked = {"fanova": {"width": 0.7, "se": 0.3}}
        material = Material(table=stack(tables), curves=empty(), networks={}, time={}, importance=ranked)
        shown = illustrations(material)
        labels = shown[0].figure.axes[0].get_legend_handles_labels()[1]
        pooled = any(label.startswith("front of unlike trainings") for label in labels)
        assert pooled is ("not trained alike" in shown[0].caption) is (len({*recipes} - {""}) > 1)
        return {one.name for one in shown}

    assert shown("one", "one") - shown("one", "other") == {"best_choices", "importance", "parallel", "fidelity"}
    assert shown("one", "") == shown("", "") == shown("one", "one"), "nothing is known of those without a recipe"
