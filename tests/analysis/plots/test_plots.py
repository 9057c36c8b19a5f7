"""Every figure draws what its data say, on the Axes it is given, and copes with none."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

import analysis
from analysis import style
from analysis.anytime import anytime
from analysis.best_choice import best_choice
from analysis.blocks import blocks
from analysis.edf import populations
from analysis.fidelity import agreement, ceiling
from analysis.plots.anytime import anytime as plot_anytime
from analysis.plots.architecture import architecture as plot_architecture
from analysis.plots.architecture import side_by_side
from analysis.plots.best_choice import best_choice as plot_best_choice
from analysis.plots.edf import edf as plot_edf
from analysis.plots.fidelity import fidelity as plot_fidelity
from analysis.plots.importance import importance as plot_importance
from analysis.plots.learning_curves import learning_curves as plot_curves
from analysis.plots.parallel import parallel as plot_parallel
from analysis.plots.time_spent import time_spent as plot_time
from analysis.style import COLOURS, figure, label, log_ticks, render, save, short
from analysis.table import tabulate
from analysis.time_spent import time_spent
from nas.presets import GOOGLENET


@pytest.fixture
def axes():
    made, (one,) = figure()
    yield one
    assert render(made, "png", dpi=40).startswith(b"\x89PNG")


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.fixture
def table(search, budget):
    return tabulate(search(50), run="demo", budget=budget)


def test_anytime_shows_every_search_with_its_number_of_seeds(search, axes):
    courses = [anytime(tabulate(search(20, seed))) for seed in range(6)]
    searches = {"ours": courses[:5], "random": courses[5:], "nothing": [], "$x_": courses[:2]}
    assert plot_anytime(searches, axes, reference=0.815) is axes
    assert labels(axes)[:2] == ["ours (n=5, 95% band)", "random (n=1)"]
    assert any("GoogLeNet 81.5%" in text for text in labels(axes))
    assert axes.get_xlabel() == "Trainings"


def test_long_names_keep_what_sets_them_apart(search, axes):
    names = ["inception_small-gp-long_training_run", "inception_small-tpe-long_training_run"]
    courses = [anytime(tabulate(search(20, seed))) for seed in range(2)]
    plot_anytime(dict(zip(names, ([course] for course in courses), strict=True)), axes)
    assert labels(axes) == ["...gp-long_training_run (n=1)", "...tpe-long_training_run (n=1)"]
    alike = [f"a{'-' * 30}{number}{'-' * 60}{tail}" for number in (1, 2) for tail in "xy"]
    assert len(set(style.labels(alike).values())) == 4
    assert style.labels(["short", *names]) == {
        "short": "short",
        names[0]: "...gp-long_training_run",
        names[1]: "...tpe-long_training_run",
    }


def test_a_search_of_one_training_is_seen(search, axes):
    plot_anytime({"a": [anytime(tabulate(search(2)[1:]))]}, axes)
    assert axes.lines[0].get_marker() == "o"


def test_hypervolume_against_seconds_is_in_hours(search, axes):
    course = anytime(tabulate(search(20)), measure="hypervolume", against="seconds")
    plot_anytime({"a": [course]}, axes, measure="hypervolume", against="seconds")
    assert axes.lines[0].get_xdata()[-1] == pytest.approx(course.end / 3600)
    assert "hours" in axes.get_xlabel()


def test_edf_rises_to_one(table, search, budget, axes):
    import pandas as pd

    both = pd.concat([table, tabulate(search(40, 1), run="other", budget=budget)], ignore_index=True)
    plot_edf(populations(both), axes)
    for line in axes.lines:
        assert line.get_ydata()[0] == 0 and line.get_ydata()[-1] == pytest.approx(1)
        assert (np.diff(line.get_ydata()) >= 0).all()
    assert all("by cost" in text for text in labels(axes))


@pytest.mark.parametrize("choice", ["choice.width", "choice.se"])
def test_best_choice_names_the_value(table, axes, choice):
    best = best_choice(table, choice)
    plot_best_choice(table, best, axes)
    assert best.name in axes.get_title() and "best" in axes.get_title()


def test_best_choice_labels_levels_that_have_room(axes):
    table = pd.DataFrame({"choice.width": [48, 72, 74, 96], "accuracy": [0.8, 0.9, 0.9, 0.85]})
    table = table.assign(run="one", state="complete", reference=False, within_budget=True, macs=1, key=list("abcd"))
    table["seed"] = 0
    plot_best_choice(table, best_choice(table, "choice.width"), axes)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["48", "72", "96"]


def test_importance_shows_the_largest_first(axes):
    plot_importance({"fANOVA": {"a": 0.7, "b": 0.3}, "PED-ANOVA": {"a": 0.2, "b": 0.8}}, axes, most=1)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["b"]
    assert "1 lesser choices left out" in axes.get_xlabel()


def test_parallel_has_a_line_a_network(table, axes):
    from analysis.table import networks

    plot_parallel(table, axes)
    lines = axes.collections[0]
    assert len(lines.get_segments()) == (~networks(table)["reference"]).sum()
    ends = np.array([segment[-1, 1] for segment in lines.get_segments()])
    assert ends.min() == 0 and ends.max() == 1


def test_curves_mark_the_reference_and_the_rungs(run_folder, axes):
    folder = run_folder(30)
    plot_curves(analysis.curves(folder), analysis.load(folder), axes, rungs=(1, 3))
    assert {"GoogLeNet", "best candidates", "rung", "stopped early"} <= set(labels(axes))


def test_curves_of_one_epoch_are_seen(run_folder, axes):
    folder = run_folder(12)
    curves = analysis.curves(folder).drop_duplicates("trial")
    plot_curves(curves, analysis.load(folder), axes)
    dots = sum(len(each.get_offsets()) for each in axes.collections if isinstance(each, PathCollection))
    dots += sum(line.get_marker() == "o" for line in axes.lines)
    assert dots >= len(curves) and axes.get_xlim() == (0, 2)


def test_fidelity_shows_tau_and_n(table, axes):
    pairs = agreement(table)
    plot_fidelity(pairs, axes)
    last = [pair for pair in pairs if pair.final == 9]
    assert [text.get_text() for text in axes.texts] == [f"{pair.tau:.2f}" for pair in last]
    assert [text.get_text() for text in axes.get_xticklabels()] == [f"{pair.epochs}\nn={pair.n}" for pair in last]
    assert "9 epochs" in axes.get_ylabel()
    once = table.drop_duplicates("key")
    twice = pd.concat([once, once.assign(seed=once["seed"] + 1000)], ignore_index=True)
    plot_fidelity(pairs, axes, ceiling(twice))
    assert any("noise ceiling 1.00: two seeds" in text.get_text() for text in axes.texts)


def test_time_adds_up_to_the_whole(run_folder, axes):
    spent = time_spent(analysis.curves(run_folder(5)), wall_seconds=500, concurrency=1)
    plot_time({"demo": spent}, axes)
    assert sum(patch.get_width() for patch in axes.patches) == pytest.approx(100)


def test_an_architecture_is_drawn_to_scale():
    network = blocks(GOOGLENET, resolution=224, classes=1000)
    made, axes = figure(9, 5, rows=2)
    side_by_side([("GoogLeNet", network), ("again", network)], axes)
    heights = [np.ptp(patch.get_xy()[:, 1]) for patch in axes[0].patches]
    assert max(heights) == pytest.approx(832 / 1024 / 1, abs=0.3)
    wide, narrow = network[3].branches, network[4].branches
    assert wide != narrow
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert "1.5G MACs" in axes[0].get_title(loc="left")
    texts = {text.get_text() for text in axes[0].texts}
    assert {"3a", "5b", "conv1", "832"} <= texts
    assert b"<svg" in render(made, "svg")


def test_figures_without_data_say_so(axes):
    nothing = tabulate(())
    made, many = figure(12, 3, columns=6)
    plot_anytime({}, many[0])
    plot_edf({}, many[1])
    plot_importance({}, many[2])
    plot_parallel(nothing, many[3])
    plot_fidelity((), many[4])
    plot_time({}, many[5])
    render(made, "png", dpi=40)
    from analysis.epochs import empty

    plot_curves(empty(), nothing, axes)
    assert any("no curves" in text.get_text() for text in axes.texts)


def test_one_block_can_be_drawn(axes):
    plot_architecture(blocks(GOOGLENET, resolution=32, classes=10)[:1], axes, title="stem")


def test_style_numbers_and_names():
    assert [short(value) for value in (999, 1000, 30_574_592, 1_498_677_248, 12.345)] == [
        "999",
        "1k",
        "30.6M",
        "1.5G",
        "12.3",
    ]
    assert label("a" * 50) == "a" * 12 + "..." + "a" * 9, "24 in all"
    assert label("$x$\n y") == r"\$x\$ y"
    assert log_ticks(9e5, 2e8, 3)[0] == 1e6
    assert len(log_ticks(2.0e7, 3.1e7)) >= 4
    assert all(2.9e7 <= tick <= 3.0e7 for tick in log_ticks(2.9e7, 3.0e7))


def test_no_two_lines_of_a_figure_look_alike():
    assert len({str(style.series(place)) for place in range(49)}) == 49


def test_the_palette_reads_in_grey_where_lines_are_neighbours():
    greys = [sum(w * int(c[i : i + 2], 16) for w, i in ((0.299, 1), (0.587, 3), (0.114, 5))) for c in COLOURS]
    assert len({round(grey) for grey in greys}) == len(COLOURS)


def test_files_are_written_whole_and_equal_figures_give_equal_bytes(tmp_path):
    contents = []
    for _ in range(2):
        made, (one,) = figure(3, 2)
        one.plot([0, 1], [0, 1])
        for kind in ("png", "svg", "pdf"):
            contents.append(save(made, tmp_path / f"a.{kind}").read_bytes())
    assert contents[:3] == contents[3:]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.png", "a.svg"]
