"""`noref models`: what the models that ship predict, and how well."""

from typing import Any

import click

from noref import card
from noref.cli.output import stops


@click.command(short_help="List the models that ship.")
def models() -> None:
    """List the models that ship, other versions too: licence, scale, training data, measured agreement."""
    for path in card.shipped():
        with stops():
            facts = card.load(path)
        note = " (default)" if path.stem == card.DEFAULT else ""
        if card.is_other_version(path):
            note = f" (another version, {facts.name}@{facts.version})"
        click.echo(f"{facts.label}{note}: {facts.description}")
        rows = [
            ("licence", facts.licence),
            ("scale", facts.scale),
            (
                "interval",
                f"{facts.coverage:.0%} coverage of the MOS on photos like those of training" if facts.coverage else "",
            ),
            (
                "unusual",
                f"a warning; {facts.usual:.0%} of photos similar to the training photos have none" if facts.usual else "",
            ),
            ("size", f"{facts.policy}; at least {facts.shortest} pixels on each side"),
            ("map", facts.map_meaning),
            ("defects", ", ".join(facts.defects)),
            ("trained on", facts.training_data),
            ("weights from", facts.origin),
            *[("agreement", _agreement(row)) for row in facts.agreement],
            ("measured", ", ".join(f"{key} {value}" for key, value in facts.measured.items())),
            *[("weakness", text) for text in facts.weaknesses],
        ]
        for key, value in rows:
            if value:
                click.echo(f"  {key:<13}{value}")


def _agreement(row: dict[str, Any]) -> str:
    shown = {
        "accuracy": "accuracy {:.3f}",
        "auc": "AUC {:.3f}",
        "srcc": "SRCC {:.3f}",
        "plcc": "PLCC {:.3f}",
        "rmse": "RMSE {:.1f}",
    }
    figures = ", ".join(text.format(row[figure]) for figure, text in shown.items() if row.get(figure) is not None)
    return f"{row['part']}: {figures} (n = {row['n']})"
