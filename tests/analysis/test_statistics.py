import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics import bootstrap_mean, mean_share, median_time, paired, unpaired

VALUES = st.lists(st.floats(-1, 1), min_size=2, max_size=20)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_a_mean_share_has_the_t_interval_as_far_as_shares_go(values):
    found = mean_share([*values, math.nan])
    assert found.n == len(values)
    spread = stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), spread) if spread else (found.value,) * 2
    assert (found.low, found.high) == (pytest.approx(max(0, low), abs=1e-9), pytest.approx(min(1, high), abs=1e-9))


def test_a_single_value_has_no_interval_and_nothing_no_mean():
    assert mean_share([0.5]).text(100) == "50.00, n=1"
    assert math.isnan(mean_share([0.5]).low)
    assert mean_share([]).n == 0 and mean_share([]).text() == "none"
    assert mean_share([0.9, 0.92]).text(100) == "91.00 [78.29, 100.00], n=2"


@pytest.mark.parametrize(("values", "told"), [([95.1, 94.9], "95.1"), ([0.5, math.nan, -0.2], "-0.2")])
def test_percent_are_no_shares(values, told):
    with pytest.raises(ValueError, match=rf"`values` must be shares in \[0, 1\], .* but got {told}\.$"):
        mean_share(values)
    assert mean_share([1 + 1e-12, 1]).high == 1, "a sum of floats is not held to its last digit"


def test_the_bootstrap_interval_covers_the_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(200):
        low, high = bootstrap_mean(rng.normal(0, 1, 30), seed=seed, resamples=500)
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_the_bootstrap_is_a_function_of_its_seed_and_of_nothing_else():
    values = np.random.default_rng(0).normal(size=10)
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)
    assert bootstrap_mean(values, seed=3) != bootstrap_mean(values, seed=4)


def test_images_by_the_thousand_have_the_bootstrap_and_the_p_of_scipy():
    """Most images are taken for the same class by both networks, and the others differ by thirds of three seeds."""
    draw = np.random.default_rng(5)
    differences = draw.choice([-1.0, -1 / 3, 0.0, 1 / 3, 1.0], p=[0.01, 0.04, 0.88, 0.05, 0.02], size=1000)
    found = paired(np.zeros(1000), differences, resamples=20_000)
    same = {"rng": 0, "vectorized": True, "batch": 500, "n_resamples": 20_000}
    ends = stats.bootstrap((differences,), np.mean, method="percentile", **same).confidence_interval
    step = 1.01 / 3 / 1000  # of a mean
    assert (found.low, found.high) == (pytest.approx(ends.low, abs=step), pytest.approx(ends.high, abs=step))
    flips = stats.permutation_test((differences,), np.mean, permutation_type="samples", **same)
    # Flips count the sums that are exactly as large, too: some 0.02 where sums go by thirds.
    assert 0.01 < found.p < 0.5 and found.p == pytest.approx(flips.pvalue, abs=0.03)


def test_nothing_is_claimed_inside_the_noise_or_on_few_seeds():
    rng = np.random.default_rng(0)
    base = rng.normal(0.9, 0.01, 10)
    assert paired(base, base + 0.01 + rng.normal(0, 0.002, 10)).verdict == "better"
    assert paired(base, base - 0.01 + rng.normal(0, 0.002, 10)).verdict == "worse"
    assert paired(base, base + rng.normal(0, 0.002, 10) - 0.0001).verdict == "undecided"
    assert paired(base[:4], base[:4] + 0.5).verdict == "too few seeds"
    assert paired(base[:5], base[:5] + 0.5).verdict == "better"


def test_pairing_removes_what_seeds_share():
    rng = np.random.default_rng(0)
    seeds = rng.normal(0, 0.05, 8)  # far more than the difference
    found = paired(0.9 + seeds, 0.905 + seeds + rng.normal(0, 0.001, 8))
    assert found.verdict == "better"
    assert found.value == pytest.approx(0.005, abs=0.002)
    assert found.p < 0.001
    assert (found.low > 0) == (found.p < 0.05)


@pytest.mark.untraced
@pytest.mark.parametrize("pairs", [5, 8, 150])
def test_equal_searches_are_rarely_called_different(pairs):
    rng = np.random.default_rng(0)
    drawn = [paired(np.zeros(pairs), rng.normal(0, 1, pairs).round(1)) for _ in range(500)]
    claims = sum(found.verdict in ("better", "worse") for found in drawn)
    assert 0 < claims <= 40  # 25 are expected; more than 40 have a probability below 0.2%
    if pairs < 100:
        assert all((found.low <= 0 <= found.high) == (found.p >= 0.05) for found in drawn)


def test_pairs_with_a_gap_are_left_out_and_unequal_lengths_refused():
    assert paired([1.0, math.nan, 3.0], [2.0, 2.0, 4.0]).n == 2
    assert paired([], []).n == 0
    assert math.isnan(paired([1.0], [2.0]).low)
    with pytest.raises(ValueError, match="got 1 and 2"):
        paired([1.0], [1.0, 2.0])


def test_searches_that_never_reached_the_target_are_censored_not_dropped():
    # Kaplan and Meier by hand: at 2 survival is 3/4, at 5 it is 3/4 * 1/2 (one was censored at 3).
    assert median_time([2.0, None, 5.0, None], [9.0, 3.0, 9.0, 9.0]) == 5.0
    assert median_time([1.0, 2.0, 3.0], [9, 9, 9]) == 2.0
    assert median_time([1.0, None, None], [9, 9, 9]) == math.inf
    assert median_time([1.0, None], [9, 9]) == 1.0, "survival of a half"
    assert median_time([None, None], [9, 9]) == median_time([], []) == math.inf


@given(a=VALUES, b=VALUES)
def test_two_samples_without_pairs_are_compared_by_welch(a, b):
    found = unpaired([*a, math.nan], b)
    assert found.n == min(len(a), len(b)) and found.value == pytest.approx(np.mean(b) - np.mean(a), abs=1e-12)
    if min(np.std(a), np.std(b)) > 1e-6:
        expected = stats.ttest_ind(b, a, equal_var=False)
        low, high = expected.confidence_interval(0.95)
        assert (found.low, found.high, found.p) == pytest.approx((low, high, expected.pvalue), abs=1e-9)


def test_samples_without_spread_leave_nothing_to_chance():
    assert (unpaired([0.3] * 3, [0.3] * 2).p, unpaired([0.3] * 3, [0.4] * 2).p) == (1.0, 0.0)
    one = unpaired([0.9, 0.9], [0.9, 0.91, 0.92])
    assert one.low < one.value < one.high and 0 < one.p < 1
    small = unpaired([0.0, 0.0], [0.0, 3e-117])
    assert small.low < small.value < small.high and small.p == pytest.approx(0.5)
    assert math.isnan(unpaired([0.9], [0.9, 0.91]).low) and unpaired([], [0.9]).n == 0
