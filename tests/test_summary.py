"""Mean, spread and Student's interval, against hand-computed figures."""

import pytest

from nas.summary import summarise


def test_five_figures() -> None:
    # Mean 3, sample variance 2.5; Student's 97.5% quantile with 4 degrees of freedom is 2.776445.
    summary = summarise([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (summary.n, summary.mean) == (5, 3.0)
    assert summary.sd == pytest.approx(2.5**0.5)
    assert summary.high == pytest.approx(3.0 + 2.776445 * (2.5 / 5) ** 0.5, abs=1e-5)
    assert summary.low == pytest.approx(6.0 - (summary.high or 0.0))


def test_one_figure_has_no_interval() -> None:
    summary = summarise([0.931])
    assert (summary.sd, summary.low, summary.high) == (None, None, None)
    assert summary.percent() == "93.10% (n = 1)"


def test_text() -> None:
    assert summarise([0.94, 0.95]).percent() == "94.50% +- 0.71 (95% interval 88.15 to 100.00, n = 2)"
