import math
from dataclasses import replace

import pytest
from scipy import stats

from analysis import analyze
from analysis.compare import HEAD, cells, compare, compare_tables
from analysis.runs import load
from analysis.source import runs_in
from analysis.table import tabulate
from nas.errors import RunError


def tables(search, budget, seeds, gain=0.0, trials=25):
    found = []
    for seed in seeds:
        table = tabulate(search(trials, seed), run=f"r{seed}", budget=budget)
        own = ~table["reference"]
        table.loc[own, "accuracy"] += gain
        table["error"] = 1 - table["accuracy"]
        found.append(table)
    return found


def test_a_better_search_is_said_to_be_better_at_equal_effort(search, budget):
    a, b = tables(search, budget, range(6)), tables(search, budget, range(6), gain=0.02)
    found = compare_tables(a, b, names=("a", "b"))
    assert [(row.measure, row.against) for row in found.rows] == [
        ("best", "trainings"),
        ("hypervolume", "trainings"),
        ("best", "seconds"),
        ("hypervolume", "seconds"),
    ]
    for row in found.rows:
        assert row.verdict == "b"
        assert row.a.n == row.b.n == row.difference.n == 6
    best = found.rows[0]
    assert best.effort == 24
    assert best.difference.value == pytest.approx(0.02)
    assert {row.verdict for row in compare_tables(b, a, names=("b", "a")).rows} == {"a"}


def test_few_seeds_make_no_claim_and_equal_searches_are_undecided(search, budget):
    a, b = tables(search, budget, range(3)), tables(search, budget, range(3), gain=0.05)
    assert {row.verdict for row in compare_tables(a, b, names=("a", "b")).rows} == {"too few seeds"}
    a, b = tables(search, budget, range(8)), tables(search, budget, range(8, 16))
    assert {row.verdict for row in compare_tables(a, b, names=("a", "b")).rows} <= {"undecided"}


def test_effort_is_what_every_run_spent(search, budget):
    a, b = tables(search, budget, range(2), trials=40), tables(search, budget, range(2, 4), trials=20)
    found = compare_tables(a, b, names=("a", "b"))
    assert found.rows[0].effort == 19
    seconds = [table.loc[~table["reference"], "seconds"].sum() for table in (*a, *b)]
    assert found.rows[2].effort == pytest.approx(min(seconds))


def test_the_time_to_a_target_that_both_can_reach(search, budget):
    a, b = tables(search, budget, range(6)), tables(search, budget, range(6), gain=0.02)
    first = compare_tables(a, b, names=("a", "b")).targets[0]
    assert first.b <= first.a < math.inf
    assert first.ratio == pytest.approx(first.b / first.a)


def test_gain_over_the_mean_random_network(search, budget):
    a = tables(search, budget, range(2))
    random = tables(search, budget, [9])[0]
    over = compare_tables(a, a, names=("a", "a"), random=random).over_random
    assert over is not None
    done = random[(random["state"] == "complete") & ~random["reference"]]["accuracy"]
    best = [table.query("state == 'complete' and not reference")["accuracy"].max() for table in a]
    assert over[0].value == pytest.approx(sum(best) / 2 - done.mean())
    both = stats.ttest_ind(best, done, equal_var=False).confidence_interval(0.95)
    assert (over[0].low, over[0].high) == (pytest.approx(both.low), pytest.approx(both.high)), "the mean is not exact"


def test_folders_of_runs_are_searches(run_folder, tmp_path):
    one, two = run_folder(10, 0, "ours/seed0"), run_folder(10, 1, "ours/seed1")
    plain = run_folder(12, 1, "plain")
    assert runs_in(tmp_path / "ours") == (one, two)
    assert runs_in(plain) == (plain,)
    found = compare(tmp_path / "ours", plain)
    assert found.names == ("ours", "plain")
    assert (found.rows[0].a.n, found.rows[0].b.n, found.rows[0].difference.n) == (1, 1, 1), "of the seed in common"
    with pytest.raises(RunError, match="neither"):
        runs_in(tmp_path / "plain" / "curves")
    with pytest.raises(RunError, match=r"metric\.accuracy_b"):
        compare(plain, plain, report="metric.accuracy_b")


def test_runs_are_paired_by_their_seeds(run_folder, tmp_path):
    for seed in (0, 1, 2):
        run_folder(10, seed, f"ours/{9 - seed}")  # the order of the names is not that of the seeds
        run_folder(10, seed, f"theirs/{seed}")
    found = compare(tmp_path / "ours", tmp_path / "theirs")
    assert all(row.difference.n == 3 and row.difference.low == row.difference.high == 0 for row in found.rows)
    run_folder(10, 7, "theirs/3")
    assert compare(tmp_path / "ours", tmp_path / "theirs").rows[0].difference.n == 3
    run_folder(10, 2, "theirs/4")
    with pytest.raises(RunError, match=r"must differ in their seeds, but .*2 and .*4 both have seed=2"):
        compare(tmp_path / "ours", tmp_path / "theirs")


def test_a_run_that_has_only_begun_is_left_out(run_folder, search, tmp_path):
    for seed in (0, 1):
        run_folder(10, seed, f"ours/{seed}")
        run_folder(10, seed, f"theirs/{seed}")
    before = compare(tmp_path / "ours", tmp_path / "theirs")
    begun = run_folder(seed=2, name="theirs/2", records=[search(2, 2)[0]])
    after = compare(tmp_path / "ours", tmp_path / "theirs")
    assert (before.left_out, after.left_out) == ((), (str(begun),))
    assert [(row.effort, row.difference) for row in after.rows] == [(row.effort, row.difference) for row in before.rows]


def test_runs_of_two_data_sets_are_not_compared(run_folder):
    one, two = run_folder(10, 0, "one"), run_folder(10, 0, "two")
    for run, data in ((one, "digits"), (two, "fashion-mnist")):
        (run / "recipe.yaml").write_text(f"data: {{name: {data}}}\nseed: 0\n")
    with pytest.raises(RunError, match="one is of digits and two of fashion-mnist"):
        compare(one, two)
    with pytest.raises(RunError, match="one is of digits and two of fashion-mnist"):
        analyze([one, two])


def test_what_cannot_be_compared_is_refused(run_folder, search):
    plain = run_folder(12, 0, "plain")
    with pytest.raises(RunError, match="figures in the column 'key'"):
        compare(plain, plain, report="key")
    none = run_folder(name="none", records=[one for one in search(20, 0) if one.state != "complete"])
    with pytest.raises(RunError, match="must have trained a candidate to the end"):
        compare(none, plain)


def test_runs_without_results_compare_to_nothing(search, budget):
    empty = [tabulate((), run="e", budget=budget)]
    found = compare_tables(empty, tables(search, budget, [0]), names=("e", "a"))
    assert all(row.verdict == "too few seeds" and math.isnan(row.a.value) for row in found.rows)
    assert math.isnan(found.targets[0].ratio)


def test_searches_without_a_seed_in_common_make_no_claim(search, budget):
    a, b = tables(search, budget, range(6)), tables(search, budget, range(6), gain=0.02)
    apart = compare_tables(a, b, names=("a", "b"), seeds=(range(6), range(6, 12)))
    assert cells(apart.rows[0], apart.names)[4:] == ("", "", "no claim: no seed in common")


def test_a_run_without_a_partner_counts_for_nothing(search, budget):
    a, b = tables(search, budget, range(5)), tables(search, budget, range(5), gain=0.02)
    short = tables(search, budget, [9], trials=4, gain=-0.5)[0]
    random = tables(search, budget, [11])[0]
    without = compare_tables(a, b, names=("a", "b"), seeds=(range(5), range(5)), random=random)
    beside = compare_tables([*a, short], b, names=("a", "b"), seeds=((0, 1, 2, 3, 4, 9), range(5)), random=random)
    assert without == beside, "neither effort, nor box, nor targets, nor the gain over random"
    assert without.rows[0].effort == 24


def test_runs_without_a_partner_are_told(run_folder, tmp_path):
    ours = [run_folder(10, seed, f"ours/{seed}") for seed in (0, 1, 2)]
    theirs = [run_folder(10, seed, f"theirs/{seed}") for seed in (1, 2, 7)]
    a, b = tmp_path / "ours", tmp_path / "theirs"
    told = compare(a, b).unpaired
    assert told == (
        f"{ours[0]} (no trained run of seed=0, trial_seed=0 in {b})",
        f"{theirs[2]} (no trained run of seed=7, trial_seed=0 in {a})",
    )
    assert compare(a, theirs[2]).unpaired == (), "without a pair all count"
    for run in (*ours, *theirs):
        (run / "recipe.yaml").unlink()
    alone = tuple(f"{run} (no trained run number {n} in {theirs[0]})" for n, run in ((2, ours[1]), (3, ours[2])))
    assert compare(a, theirs[0]).unpaired == alone


def test_a_difference_is_of_the_means_that_stand_beside_it(search, budget):
    a, b = tables(search, budget, range(5)), tables(search, budget, range(3, 6))
    for row in compare_tables(a, b, names=("a", "b"), seeds=(range(5), range(3, 6))).rows:
        assert row.a.n == row.b.n == row.difference.n == 2
        assert row.difference.value == pytest.approx(row.b.value - row.a.value)


def test_pairs_in_which_one_had_no_network_yet_do_not_count(search, budget):
    a, b = tables(search, budget, range(6)), tables(search, budget, range(6), gain=0.02)
    b[5].loc[b[5]["trial"] > 0, "state"] = "failed"
    found = compare_tables(a, b, names=("a", "b"))
    best, volume, *_ = found.rows
    assert best.a.n == best.b.n == best.difference.n == 5 and best.pairs == 6
    assert best.difference.value == pytest.approx(best.b.value - best.a.value)
    assert cells(best, found.names)[6] == "b; 5 of 6 pairs had a network by then"
    assert volume.a.n == volume.b.n == volume.difference.n == 6, "what nothing dominates is 0"
    few = compare_tables(a[4:], b[4:], names=("a", "b"))
    assert cells(few.rows[0], few.names)[6] == "no claim: 1 of 5 seeds; 1 of 2 pairs had a network by then"
    none = compare_tables(a[5:], b[5:], names=("a", "b")).rows[0]
    assert cells(none, ("a", "b"))[3:] == ("none", "", "", "no claim: 0 of 5 seeds; 0 of 1 pairs had a network by then")


def test_before_its_first_trial_a_search_has_a_hypervolume_of_0(search, budget):
    a, b = tables(search, budget, range(2)), tables(search, budget, range(2))
    for table in b:  # of which a single training takes longer than a whole search of a
        table["seconds"] *= 100
    best, volume = compare_tables(a, b, names=("a", "b")).rows[2:]
    assert best.difference.n == best.b.n == 0 and best.a.n == 2
    assert volume.b.value == 0 and volume.difference.value == -volume.a.value < 0 and volume.difference.n == 2


def test_the_folder_that_one_stands_in_has_a_name(run_folder, monkeypatch):
    monkeypatch.chdir(run_folder(10))
    assert compare(".", run_folder(10, 0, "other")).names == ("demo", "other")


def test_searches_in_folders_of_one_name_are_told_apart(run_folder):
    a, b = run_folder(10, 0, "gp/seed-0"), run_folder(10, 0, "random/seed-0")
    assert compare(a, b).names == ("gp/seed-0", "random/seed-0")
    assert compare(a, a).names == ("seed-0", "seed-0"), "it is one"
    for run, data in ((a, "digits"), (b, "fashion-mnist")):
        (run / "recipe.yaml").write_text(f"data: {{name: {data}}}\nseed: 0\n")
    with pytest.raises(RunError, match=f"but {a} is of digits and {b} of fashion-mnist"):
        compare(a, b)


def test_a_search_whose_reference_alone_is_complete_is_refused(run_folder, search):
    records = [one for one in search(20, 0) if one.candidate.reference or one.state != "complete"]
    star = run_folder(name="star", records=[replace(one, number=place) for place, one in enumerate(records)])
    with pytest.raises(RunError, match="must have trained a candidate to the end"):
        compare(run_folder(12, 0, "plain"), star)


def test_only_accuracies_are_compared(run_folder, monkeypatch):
    folder = run_folder(10)
    with pytest.raises(RunError, match=r"the column must be accuracy or a metric\.accuracy_.*, but got 'macs'"):
        compare(folder, folder, report="macs")
    percent = load(folder).assign(**{"metric.accuracy_b": 95.1})
    monkeypatch.setattr("analysis.compare.load", lambda run: percent)
    with pytest.raises(RunError, match=r"_b must hold shares in \[0, 1\], but in .*demo there is 95\.1"):
        compare(folder, folder, report="metric.accuracy_b")


def test_rows_are_told_in_words(search, budget):
    a, b = tables(search, budget, range(6)), tables(search, budget, range(6), gain=0.02)
    many = compare_tables(a, b, names=("tpe", "ours"))
    first = cells(many.rows[0], many.names)
    assert len(first) == len(HEAD)
    assert first[:2] == ("best accuracy (%)", "24 trainings") and first[4].startswith("+2.00 [+") and first[6] == "ours"
    assert cells(many.rows[2], many.names)[1].endswith("device-hours")
    assert cells(many.rows[0], ("seeds", "seeds"))[6] == "b", "folders of one name are told apart"
    assert cells(many.rows[0], many.names, "metric.accuracy_b")[0] == "best accuracy's metric.accuracy_b (%)"
    one = compare_tables(a[:1], b[:1], names=("tpe", "ours"))
    assert cells(one.rows[0], one.names)[5:] == ("", "no claim: 1 of 5 seeds")
