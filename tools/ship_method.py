"""Put a trained method without a network among those that ship: `python tools/ship_method.py RUN --data TEXT --command TEXT`.

Writes src/noref/lab/models/METHOD: the parameters with default settings, and `card.json`.
"""

import json
from pathlib import Path

import click

from noref.lab.experiments.experiment import load_model
from noref.lab.methods.handcrafted import HandcraftedMethod

MODELS = Path(__file__).parents[1] / "src" / "noref" / "lab" / "models"


@click.command()
@click.argument("run", type=click.Path(path_type=Path), help="Results folder of `noref lab train`.")
@click.option("--data", required=True, help="Photos that it was fitted on, with their licences.")
@click.option("--command", required=True, help="Command that fitted it.")
def main(run: Path, data: str, command: str) -> None:
    """Write the parameters and the card of a trained method."""
    trained = load_model(run)
    if not isinstance(trained, HandcraftedMethod):
        raise click.BadParameter(f"{trained.name} has a network; export it instead")
    method = type(trained)()
    method.parameters_ = trained.parameters_
    folder = MODELS / method.name
    method.save(folder)
    card = {
        "method": method.name,
        "citation": method.citation,
        "origin": "fitted by noref; no parameters of the authors are used",
        "licence": "Apache-2.0 for the parameters; the photos have terms of their own (see data)",
        "data": data,
        "command": command,
        "commit": json.loads((run / "environment.json").read_text())["commit"],
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    click.echo(f"wrote {folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
