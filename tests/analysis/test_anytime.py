import math

import numpy as np
import pytest

from analysis.anytime import Steps, anytime, band, by_search
from analysis.pareto import hypervolume
from analysis.table import tabulate


def test_best_so_far_is_of_candidates_trained_to_the_end(search, budget):
    table = tabulate(search(50), budget=budget)
    course = anytime(table)
    own = table[~table["reference"]].reset_index(drop=True)
    assert course.end == len(own)
    for place in (1, 10, 30, len(own)):
        seen = own[:place].query("state == 'complete'")["accuracy"]
        assert course.y[place - 1] == pytest.approx(seen.max()) if len(seen) else math.isnan(course.y[place - 1])


def test_seconds_are_those_of_all_trials(search):
    table = tabulate(search(30))
    course = anytime(table, against="seconds")
    assert course.end == pytest.approx(table.loc[~table["reference"], "seconds"].sum())
    assert (np.diff(course.x) >= 0).all()


def test_seconds_count_as_they_went_by(search):
    """Two places: a trial of 1,000 s beside ten of 100 s, whatever the order of their proposals."""
    table = tabulate(search(40))
    own = table[~table["reference"] & (table["state"] == "complete")].head(11).reset_index(drop=True)
    own["trial"] = range(11)
    own["seconds"] = [1000.0] + [100.0] * 10
    own["ended"] = [5000.0, *(4100.0 + 100 * place for place in range(10))]
    own["accuracy"] = np.linspace(0.5, 0.9, 11)
    course = anytime(own, against="seconds")
    assert course.x.tolist() == pytest.approx([200.0 * (place + 1) for place in range(9)] + [2000.0, 2000.0])
    assert course.first(own["accuracy"][1]) == pytest.approx(200)
    swapped = own.assign(trial=[10, *range(10)])
    assert anytime(swapped, against="seconds").x.tolist() == pytest.approx(course.x.tolist())
    assert anytime(own.assign(ended=np.nan), against="seconds").x[0] == 1000
    assert len(anytime(own.iloc[:0], against="seconds").x) == 0


def test_the_hypervolume_at_the_end_is_that_of_all(search, budget):
    table = tabulate(search(50), budget=budget)
    course = anytime(table, measure="hypervolume", most_cost=budget.macs, least_accuracy=0.5)
    done = table[(table["state"] == "complete") & ~table["reference"]]
    assert course.y[-1] == pytest.approx(
        hypervolume(done["macs"], done["accuracy"], most_cost=budget.macs, least_accuracy=0.5)
    )


def test_another_split_is_reported_of_the_network_that_is_best_by_this_one(search):
    table = tabulate(search(30))
    table["metric.accuracy_b"] = 1 - table["accuracy"]
    course = anytime(table, report="metric.accuracy_b")
    assert course.y[-1] == pytest.approx(1 - anytime(table).y[-1])


def test_steps_hold_until_the_next_and_end_with_the_search():
    steps = Steps(x=np.array([1.0, 3.0]), y=np.array([0.5, 0.7]), end=4.0)
    values = steps.at(np.array([0.5, 1.0, 2.9, 3.0, 4.0, 4.1]))
    assert values[1:5].tolist() == [0.5, 0.5, 0.7, 0.7]
    assert np.isnan(values[[0, 5]]).all()
    assert steps.first(0.6) == 3.0
    assert steps.first(0.8) is None


def test_a_band_goes_as_far_as_all_searches_and_says_what_it_is(search):
    courses = [anytime(tabulate(search(20 + seed, seed))) for seed in range(6)]
    whole = band(courses)
    assert whole.n == 6 and whole.kind == "95% band"
    assert whole.x[-1] == min(course.end for course in courses)
    assert (whole.low <= whole.mean + 1e-12).all() and (whole.mean <= whole.high + 1e-12).all()
    few = band(courses[:3])
    assert few.kind == "range"
    last = [float(course.at(few.x[-1:])[0]) for course in courses[:3]]
    assert (few.low[-1], few.high[-1]) == (min(last), max(last))
    assert band([]).n == 0


def test_an_empty_run_has_an_empty_course():
    course = anytime(tabulate(()))
    assert len(course.x) == 0 and course.end == 0


def test_runs_are_grouped_by_search(search):
    table = tabulate(search(4), run="a")
    assert list(by_search(table)) == ["a"]
    assert [len(one) for one in by_search(table, {"ours": ["a", "b"]})["ours"]] == [4, 0]
