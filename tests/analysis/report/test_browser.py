"""The report in headless Chromium. Skipped where Playwright or Chromium is missing."""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

import analysis
from analysis.epochs import empty
from analysis.report.page import page as report_page
from analysis.table import tabulate

playwright_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)"),
]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EVIL = "<script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def report(run_folder, search):
    """A report with hostile texts in every place that is the user's: run, reason, choices, recipe, versions."""
    records = list(search(40))
    for number, record in enumerate(records):
        if record.state == "failed":
            records[number] = replace(record, reason=f"boom {EVIL} </script><img src=x onerror=alert(1)>")
        if record.candidate.point is not None:
            point = {**record.candidate.point, EVIL: ["</script>", "<!--"][number % 2]}
            records[number] = replace(records[number], candidate=replace(record.candidate, point=point))
    folder = run_folder(records=records, name="<script>alert(1)<")
    (folder / "recipe.yaml").write_text(f"name: \"{EVIL} & 'quoted'\"\nspace: $data\n")
    analysis.analyze(folder, report=True)
    return folder / "report.html"


class Opened:
    """A page with everything it complained of and every address it asked for."""

    def __init__(self, browser, path, width=1280, scheme="light"):
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("#scatter > svg .point")


def test_the_report_of_a_run(browser, report):
    """One test, since making the report takes most of the time."""
    assert report.stat().st_size < 3e6
    for width in (1280, 400):
        for scheme in ("light", "dark"):
            opened = Opened(browser, report, width, scheme)
            page = opened.page
            # Self-contained, within its width, in its scheme.
            assert [url for url in opened.requests if not url.startswith(("data:", report.as_uri()))] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            light = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert sum(map(int, light[4:-1].split(","))) > 600 if scheme == "light" else True
            assert sum(map(int, light[4:-1].split(","))) < 150 if scheme == "dark" else True
            _hover(page)
            _click(page)
            _sort(page)
            _filter(page)
            _keys(page)
            _texts_stay_text(page)
            assert opened.complaints == []
            opened.context.close()


def test_a_cost_that_is_not_known_is_left_out(browser, search, tmp_path):
    table = tabulate(search(20), run="theirs").assign(params=0)
    path = tmp_path / "theirs.html"
    path.write_text(report_page(title="theirs", table=table, curves=empty(), networks={}, figures=()))
    opened = Opened(browser, path)
    centre = _centre(opened.page, opened.page.locator("#scatter > svg .point.reference"))
    opened.page.mouse.move(*centre)
    assert "MACs" in (said := opened.page.locator("#scatter .tip").inner_text()) and "params" not in said
    opened.page.mouse.click(*centre)
    assert "MACs" in (said := opened.page.locator("#details").inner_text()) and "parameters" not in said
    assert set(_column(opened.page, "params")) == {""}
    assert opened.complaints == []


def _centre(page, locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _hover(page):
    point = page.locator("#scatter > svg .point.front").first
    point.scroll_into_view_if_needed()
    page.mouse.move(*_centre(page, point))
    tip = page.locator("#scatter .tip")
    tip.wait_for()
    assert "MACs" in tip.inner_text() and "width" in tip.inner_text()
    assert tip.locator("svg polygon").count() > 3
    page.mouse.move(2, 2)
    assert page.locator("#scatter .tip").count() == 0


def _click(page):
    star = page.locator("#scatter > svg .point.reference")
    page.mouse.click(*_centre(page, star))
    details = page.locator("#details")
    assert details.locator("h3").inner_text().startswith("GoogLeNet")
    assert details.locator(".drawing polygon").count() > 20
    assert details.locator("path.curve").count() == 1
    assert page.locator("#scatter > svg .point.selected").count() == 1


def _column(page, name):
    names = page.locator("#table thead th").all_inner_texts()
    place = [text.split(" ")[0].strip() for text in names].index(name)
    return page.locator(f"#table tbody tr td:nth-child({place + 1})").all_inner_texts()


def _sort(page):
    accuracies = [float(text[:-1]) for text in _column(page, "accuracy") if text.endswith("%")]
    assert accuracies == sorted(accuracies, reverse=True) and len(accuracies) > 20
    page.locator("#table thead button", has_text="MACs").click()
    macs = [int(text.replace(",", "")) for text in _column(page, "MACs")]
    assert macs == sorted(macs, reverse=True)
    page.locator("#table thead button", has_text="MACs").click()
    assert [int(text.replace(",", "")) for text in _column(page, "MACs")] == sorted(macs)
    page.locator("#table tbody tr").first.click()
    assert page.locator("#table tbody tr.selected").count() == 1


def _filter(page):
    before = page.locator("#table tbody tr").count()
    group = page.locator('#filters details[data-filter="width"]')
    group.locator("summary").click()
    group.locator("label", has_text="none (reference)").locator("input").uncheck()
    assert page.locator("#scatter > svg .point.reference").count() == 0
    assert page.locator("#table tbody tr").count() == before - 1
    page.locator("#filters button", has_text="Reset").click()
    assert page.locator("#table tbody tr").count() == before
    page.locator("#cost").select_option("params")
    assert "Parameters" in page.locator("#scatter > svg").text_content()
    page.locator("#cost").select_option("macs")


def _keys(page):
    page.locator("#scatter > svg").focus()
    first = page.locator("#details h3").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#details h3").inner_text() != first


def _texts_stay_text(page):
    assert page.title().startswith("<script>alert(1)<")
    assert page.locator("#failures td", has_text=EVIL).count() >= 1
    assert page.locator("img:not([src^='data:'])").count() == 0
    assert page.locator("#recipe pre", has_text=EVIL).count() == 1
    assert "space: $data" in page.locator("#recipe pre").first.text_content()
    assert EVIL in page.locator("#table thead").inner_text()
    # Only the page's own two script elements: the data and the code.
    assert page.locator("script").count() == 2


def test_a_run_without_results_opens(browser, run_folder, search):
    folder = run_folder(records=[record for record in search(40) if record.state == "failed"])
    analysis.analyze(folder, report=True)
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((folder / "report.html").as_uri())
    page.wait_for_selector("#table tbody tr")
    assert "no trial has reported" in page.locator("#scatter").inner_text()
    assert complaints == []
    context.close()
