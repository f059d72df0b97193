"""What a model is: its card, a JSON file beside the .onnx of the same name."""

import difflib
import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

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
        area: Pixels to which larger photos are shrunk before the network; 0 where not stated, and photos are decoded in full.
        coverage: Share of photos whose MOS the prediction interval covers; 0 where the model has no interval.
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
    area: int = 0
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
    """Read the card beside an .onnx file. Unknown fields are ignored: a later version of noref may have written them.

    Raises:
        BadModel: There is no card, or a field is missing or of a wrong type.
    """
    beside = path.with_suffix(".json")
    cure = "export it with `noref lab export`"
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadModel(f"{path}: its card {beside.name} is missing or broken ({error}); {cure}") from error
    if not isinstance(content, dict):
        raise BadModel(f"{path}: its card {beside.name} is broken (no JSON object); {cure}")
    known = [each.name for each in fields(ModelCard)]
    required = [each.name for each in fields(ModelCard) if each.default is MISSING and each.default_factory is MISSING]
    if missing := [name for name in required if name not in content]:
        raise BadModel(f"{path}: its card {beside.name} has no {', '.join(missing)}; {cure}")
    facts = {name: _as_tuple(content[name]) for name in known if name in content}
    kinds = get_type_hints(ModelCard)
    if wrong := [name for name, value in facts.items() if not _is_a(kinds[name], value)]:
        raise BadModel(f"{path}: its card {beside.name} has a value of a wrong type for {', '.join(wrong)}; {cure}")
    return ModelCard(**facts)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _is_a(kind: Any, value: object) -> bool:
    """Whether a value has the annotated type; an int passes for a float, a bool for neither."""
    plain = get_origin(kind) or kind
    if isinstance(value, tuple) and plain is tuple:
        return all(_is_a(get_args(kind)[0], each) for each in value)
    return isinstance(value, (int, float) if plain is float else plain) and not isinstance(value, bool)


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
        BadModel: The file cannot be read, or its content is not what the card was written for.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadModel(f"{path}: it cannot be read ({error.strerror}); check the path and its permissions") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise BadModel(f"{path}: its content does not match the sha256 on its card; copy both files again")
    return content
