"""What a model is: its card, a JSON file beside the .onnx of the same name."""

import difflib
import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from noref.errors import BadModel, ModelNotFound

DEFAULT = "unified"


@dataclass(frozen=True)
class ModelCard:
    """Everything that a user needs to know before trusting a model.

    Attributes:
        name: Short name, the file's stem.
        version: Version of the weights.
        description: One sentence.
        licence: Of the weights.
        scale: What the ends and the direction of the score mean; empty where it gives none.
        training_data: What it learned from, with the terms of that data.
        origin: Where its initial weights came from.
        policy: How the photo's size is handled, in words.
        shortest: Pixels on the short side below which a photo is refused.
        coverage: Share of photos whose mean opinion should lie inside the interval; 0 where it gives none.
        map_meaning: What the map shows and how it relates to the score; empty where it draws none.
        map_cell: Pixels of the working photo that one cell of the map covers, on a side; 0 where it draws none.
        defects: Names of the defects that it knows, in the order of its output.
        weaknesses: Where it is known to go wrong.
        agreement: Measured agreement with people, rows with `part`, `n`, `srcc`, `plcc`, `rmse`; or with true defects, rows
            with other figures.
        measured: How `agreement` was measured: data, split, command, seed, commit.
        sha256: Of the .onnx file.
    """

    name: str
    version: str
    description: str
    licence: str
    scale: str
    training_data: str
    origin: str
    policy: str
    shortest: int
    coverage: float = 0.0
    map_meaning: str = ""
    map_cell: int = 0
    defects: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    agreement: tuple[dict[str, Any], ...] = ()
    measured: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""

    @property
    def label(self) -> str:
        """Name and version, as results state it."""
        return f"{self.name} {self.version}"

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def load(path: Path) -> ModelCard:
    """Read the card beside an .onnx file.

    Raises:
        BadModel: There is none, or it lacks something.
    """
    beside = path.with_suffix(".json")
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
        facts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
        return ModelCard(**facts)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BadModel(
            f"{path}: its card {beside.name} is missing or broken ({error}); export it with `noref lab export`"
        ) from error


def shipped() -> list[Path]:
    """The .onnx files that come with noref, the default first."""
    folder = Path(str(resources.files("noref.models")))
    return sorted(folder.glob("*.onnx"), key=lambda path: (path.stem != DEFAULT, path.stem))


def find(name_or_file: str | Path) -> Path:
    """The .onnx file of a shipped model's name, or the given file.

    Raises:
        ModelNotFound: It is neither; the message lists what ships.
    """
    names = {path.stem: path for path in shipped()}
    if str(name_or_file) in names:
        return names[str(name_or_file)]
    path = Path(name_or_file)
    if path.is_file():
        return path
    near = difflib.get_close_matches(str(name_or_file), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"shipped models: {', '.join(names)}; or give the path of an .onnx file"
    raise ModelNotFound(f"no model {str(name_or_file)!r}; {hint}")


def verified_bytes(path: Path, card: ModelCard) -> bytes:
    """The .onnx file's content, checked against the card.

    Raises:
        BadModel: The content is not what the card was written for.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise BadModel(f"{path}: its content does not match the sha256 on its card; copy both files again")
    return content
