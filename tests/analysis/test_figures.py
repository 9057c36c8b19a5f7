"""Which figures there are, of runs that are looked at together."""

from dataclasses import replace

from analysis.epochs import empty
from analysis.figures import Material, illustrations
from analysis.material import gather
from analysis.runs import load, stack
from analysis.source import source
from analysis.table import tabulate


def test_each_panel_of_learning_curves_has_the_rungs_of_its_run(run_folder, search):
    """And none at 0: the study of somebody else's does not tell the epochs of trials that were stopped."""
    early = [replace(one, epochs=1) if one.state == "stopped" else one for one in search(12, 1)]
    none = [one for one in search(20, 2) if one.state == "complete"]
    runs = [run_folder(20, name="at3"), run_folder(name="at1", records=early), run_folder(name="none", records=none)]
    table = load(runs)
    stopped = table["state"] == "stopped"
    table.loc[table[stopped].groupby("run").head(1).index, "epochs"] = 0
    assert stopped.groupby(table["run"]).sum().drop("none").min() > 1
    material = gather([source(run) for run in runs], table)
    assert material.rungs == {"at1": [1], "at3": [3]}
    (shown,) = (one for one in illustrations(material) if one.name == "learning_curves")
    drawn = [[line.get_xdata()[0] for line in axes.lines if line.get_label() == "rung"] for axes in shown.figure.axes]
    assert drawn[:3] == [[3], [1], []]


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
