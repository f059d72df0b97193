"""Model cards: what a model predicts, how it was trained and evaluated; a JSON file beside the .onnx file of the same name.

Of a model that ships, NAME.onnx is the current version and NAME-VERSION.onnx another one; NAME contains no hyphen.
"""

import difflib
import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from noref import urls
from noref.errors import BadModel, ModelNotFound

DEFAULT = "unified"
FOLDER = Path(__file__).with_name("models")  # importlib.resources is slow to import


@dataclass(frozen=True)
class ModelCard:
    """What a model predicts, how it was trained and evaluated, and its known weaknesses.

    Attributes:
        name: Short name.
        version: Version of the weights.
        description: One sentence.
        licence: Licence of the weights.
        scale: Meaning of the ends and the direction of the score; empty if the model predicts no score.
        training_data: The training data and their terms of use.
        origin: Origin of the initial weights.
        policy: How the size of an image is handled, in words.
        shortest: Minimum of pixels on the short side; smaller images are refused.
        area: Pixels to which larger images are shrunk before the network, and smaller ones enlarged if `policy` states it; 0 if
            not stated: images are then decoded in full.
        coverage: Expected share of images whose MOS lies inside the prediction interval; 0 if the model predicts no interval.
        usual: Share of rated photos like those of training whose distance from the training photos, in feature space, is within
            the threshold above which a result carries the warning that the photo is unlike them; 0 if the model has no such
            output.
        map_meaning: What the quality map shows and how it relates to the score; empty if the model predicts no map.
        map_cell: Side of one cell of the map, in pixels of the working image; 0 if the model predicts no map.
        defects: Names of the defects, in the order of the model's output.
        weaknesses: Known failure cases.
        agreement: Measured agreement with subjective scores, rows with `part`, `n`, `srcc`, `plcc`, `rmse`; or with true
            defects, rows with other measures.
        measured: How `agreement` was measured: data, split, command, seed, commit.
        sha256: SHA-256 of the .onnx file, hexadecimal.

    Examples:
        >>> import noref
        >>> card = noref.Scorer().card
        >>> card.name
        'unified'
        >>> "noise" in card.defects
        True
        >>> 0 < card.coverage < 1
        True
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
    usual: float = 0.0
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

    Examples:
        >>> from noref import card
        >>> card.load(card.find("unified@7")).label
        'unified 7'
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
    if wrong := of_wrong_type({name: content[name] for name in known if name in content}):
        raise BadModel(f"{path}: its card {beside.name} has a value of a wrong type for {', '.join(wrong)}; {cure}")
    return from_dict(content)


def of_wrong_type(facts: dict[str, Any]) -> list[str]:
    """The fields whose value, of plain JSON types, is not of the type that `ModelCard` has."""
    kinds = get_type_hints(ModelCard)
    return [name for name, value in facts.items() if not _is_a(kinds[name], _as_tuple(value))]


def from_dict(facts: dict[str, Any]) -> ModelCard:
    """The card that `dataclasses.asdict` turned into plain types; unknown fields are ignored."""
    return ModelCard(**{each.name: _as_tuple(facts[each.name]) for each in fields(ModelCard) if each.name in facts})


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _is_a(kind: Any, value: object) -> bool:
    """Whether a value has the annotated type; an int passes for a float, a bool for neither."""
    plain = get_origin(kind) or kind
    if isinstance(value, tuple) and plain is tuple:
        return all(_is_a(get_args(kind)[0], each) for each in value)
    return isinstance(value, (int, float) if plain is float else plain) and not isinstance(value, bool)


def shipped() -> list[Path]:
    """The .onnx files that come with noref: the default model first; of each model the current version, then the newest."""
    newest_first = sorted(FOLDER.glob("*.onnx"), key=lambda path: (len(path.stem), path.stem), reverse=True)
    return sorted(newest_first, key=lambda path: (_name(path) != DEFAULT, _name(path), is_other_version(path)))


def is_other_version(path: Path) -> bool:
    """Whether a file that comes with noref is another version of its model than the current one."""
    return "-" in path.stem


def _name(path: Path) -> str:
    return path.stem.partition("-")[0]


def _version(path: Path) -> str:
    return path.stem.partition("-")[2] if is_other_version(path) else load(path).version


def find(model: str | Path) -> Path:
    """The .onnx file of a model.

    Args:
        model: Name of a shipped model, for its current version; name and version, such as "unified@7"; or the path of a file.

    Raises:
        ModelNotFound: There is no such model or version; the message lists what ships.
        BadModel: A version is given, and the card of the current one cannot be read.

    Examples:
        >>> from noref import card
        >>> card.find("unified").name
        'unified.onnx'
        >>> card.load(card.find("unified@7")).version
        '7'
    """
    name, at, version = str(model).partition("@")
    versions = [path for path in shipped() if _name(path) == name]
    if versions and not at:
        return versions[0]
    for path in versions:
        if _version(path) == version:
            return path
    path = Path(model)
    if path.is_file():
        return path
    if versions:
        raise ModelNotFound(f"no version {version!r} of {name}; versions that ship: {', '.join(map(_version, versions))}")
    names = list(dict.fromkeys(map(_name, shipped())))
    if " " in name and name.split()[0] in names:
        raise ModelNotFound(f"no model {str(model)!r}; a version is given as {'@'.join(name.split())!r}")
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"shipped models: {', '.join(names)}; or give the path of an .onnx file"
    raise ModelNotFound(f"no model {urls.shown(str(model))!r}; {hint}")


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
