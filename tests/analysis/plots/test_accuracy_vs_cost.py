import numpy as np
import pytest

from analysis.plots.accuracy_vs_cost import Published, accuracy_vs_cost
from analysis.style import figure, render
from analysis.table import tabulate


def drawn(table, **options):
    made, (axes,) = figure()
    assert accuracy_vs_cost(table, axes, **options) is axes
    render(made, "png", dpi=50)
    return axes


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_figure_shows_what_the_reader_needs(search, budget):
    table = tabulate(search(60), budget=budget)
    axes = drawn(table, budget=budget.macs, resolution=32)
    assert axes.get_xscale() == "log"
    assert "MACs" in axes.get_xlabel() and "32" in axes.get_xlabel()
    assert "%" in axes.get_ylabel()
    text = " | ".join(labels(axes))
    assert "Pareto front" in text and "GoogLeNet" in text and "budget 30.6M" in text and "stopped" in text
    line = next(line for line in axes.lines if line.get_drawstyle() == "steps-post")
    assert (np.diff(line.get_ydata()) >= 0).all()
    assert any("81.5%" in text.get_text() for text in axes.texts)


def test_stopped_trials_are_hollow_and_all_trials_are_drawn(search):
    table = tabulate(search(60)).query("not reference")
    axes = drawn(table)
    groups = {collection.get_label(): collection for collection in axes.collections}
    hollow = next(group for label, group in groups.items() if label.startswith("stopped"))
    filled = next(group for label, group in groups.items() if label.startswith("trained"))
    assert len(hollow.get_facecolor()) == 0
    assert len(filled.get_facecolor()) == 1
    assert len(hollow.get_offsets()) == (table["state"] == "stopped").sum()
    assert len(filled.get_offsets()) == (table["state"] == "complete").sum()


def test_hopeless_trials_are_shown_at_the_edge(search):
    table = tabulate(search(60))
    table.loc[5, ["accuracy", "error"]] = [0.1, 0.9]
    table.loc[5, "state"] = "complete"
    axes = drawn(table)
    assert axes.get_ylim()[0] > 0.3
    assert any("at the edge" in label for label in labels(axes))


@pytest.mark.parametrize(("accuracy", "said"), [(0.7, "GoogLeNet 70.0%"), (0.1, "GoogLeNet 10.0%, below the edge")])
def test_the_reference_is_in_every_picture(search, accuracy, said):
    table = tabulate(search(60))
    table.loc[table["reference"], ["accuracy", "error"]] = [accuracy, 1 - accuracy]
    axes = drawn(table)
    star = next(group for group in axes.collections if group.get_label() == "GoogLeNet (reference)")
    low, high = axes.get_ylim()
    assert all(low < y < high for _, y in star.get_offsets())
    assert said in {text.get_text() for text in axes.texts}
    assert low > 0.3


def test_published_networks_are_named(search):
    axes = drawn(tabulate(search(20)), published=[Published(name="ResNet-20", cost=3.08e7, accuracy=0.9)])
    assert any("ResNet-20" in text.get_text() for text in axes.texts)


@pytest.mark.parametrize("cost", ["params", "activations"])
def test_other_costs_can_stand_on_the_axis(search, cost):
    assert cost.capitalize()[:5] in drawn(tabulate(search(20)), cost=cost).get_xlabel()


def test_an_empty_table_and_a_single_trial_can_be_drawn(search):
    drawn(tabulate(()))
    drawn(tabulate(search(1)))


def test_the_axis_tells_the_size_of_what_is_classified(search, budget):
    table = tabulate(search(10), budget=budget)
    assert drawn(table, resolution=28).get_xlabel().endswith("per image (MACs; FLOPs = 2 x MACs) at 28 x 28 pixels")
    assert drawn(table, resolution=128, dims=1).get_xlabel().endswith("series (MACs; FLOPs = 2 x MACs) at 128 steps")
