"""Put the page together: template, style, scripts, data and figures in one file."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final

import pandas as pd

from analysis.blocks import Block
from analysis.report.payload import payload, to_json
from analysis.report.picture import Picture
from analysis.report.summary import cards, summarise

SCRIPTS: Final = ("core.js", "drawing.js", "curve.js", "scatter.js", "filters.js", "details.js", "trials.js", "main.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text that the page shows as it is: a run's recipe, or its versions."""

    title: str
    text: str


def page(
    *,
    title: str,
    table: pd.DataFrame,
    curves: pd.DataFrame,
    networks: Mapping[str, Sequence[Block]],
    figures: Sequence[Picture],
    documents: Sequence[Document] = (),
) -> str:
    """The whole report as HTML text.

    Every text of the user's (names, reasons, recipes) stands in it as text: escaped in the markup, and in
    the data, which scripts put on the page by ``textContent`` alone.
    """
    parts = files("analysis.report")
    failed = table[table["state"] == "failed"]
    return Template((parts / "template.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        style=(parts / "report.css").read_text(encoding="utf-8"),
        cards="".join(_card(*card) for card in cards(summarise(table))),
        figures="".join(_figure(one) for one in figures),
        documents="".join(_document(one) for one in documents),
        failures=_failures(failed),
        data=to_json({"title": title, **payload(table, curves, networks)}),
        scripts="\n".join((parts / name).read_text(encoding="utf-8") for name in SCRIPTS),
    )


def _card(title: str, figure: str, remark: str) -> str:
    return f'<div class="card"><h3>{escape(title)}</h3><p class="big">{escape(figure)}</p><p>{escape(remark)}</p></div>'


def _figure(one: Picture) -> str:
    source = f"data:image/{one.kind};base64,{base64.b64encode(one.content).decode()}"
    layout = ' class="wide"' if one.width > 760 else ""
    return (
        f'<figure id="figure-{escape(one.name)}"{layout}><h3>{escape(one.title)}</h3>'
        f'<div class="picture"><img src="{source}" alt="{escape(one.title)}" style="max-width:{one.width}px"></div>'
        f"<figcaption>{escape(one.caption)}</figcaption></figure>"
    )


def _document(one: Document) -> str:
    return f"<details><summary>{escape(one.title)}</summary><pre>{escape(one.text)}</pre></details>"


def _failures(failed: pd.DataFrame) -> str:
    if failed.empty:
        return "<p>No trial failed.</p>"
    rows = "".join(_failure(row) for row in failed.to_dict("records"))
    head = "<tr><th>Run</th><th>Trial</th><th>Reason</th><th>MACs</th><th>Epochs</th></tr>"
    return f'<div class="scroll"><table class="plain"><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _failure(row: Mapping[Any, Any]) -> str:
    reason = row["reason"] if isinstance(row["reason"], str) else "no reason recorded"
    cells = (row["run"], row["trial"], reason, f"{int(row['macs']):,}", row["epochs"])
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"
