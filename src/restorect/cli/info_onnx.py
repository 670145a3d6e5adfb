"""What `restorect info` shows of an exported graph: its card."""

from pathlib import Path
from typing import Any

from restorect.cli.info_weights import table

SUFFIX = ".onnx"


def facts(path: Path) -> dict[str, Any]:
    """What the card of an ONNX file says.

    Raises:
        ExportError: the file is not one of restorect's.
    """
    from restorect.configs import to_mapping
    from restorect.errors import shown
    from restorect.export.card import read_card

    card = read_card(path)
    return {"file": shown(path), "bytes": path.stat().st_size, "kind": f"ONNX {card.part}", **to_mapping(card)}


def text(facts: dict[str, Any]) -> str:
    """The same for people."""
    from restorect.errors import shown
    from restorect.render.steps import told

    rows = {name: str(facts[name]) for name in ("kind", "task", "size", "flow", "sides", "numbers")}
    rows |= {end: ", ".join(map(told, facts[end])) or "nothing" for end in ("before", "after")}
    rows |= {f"without {name}": reason for name, reason in facts["omitted"].items()}
    rows |= {f"{way[:-1]} {name}": said for way in ("inputs", "outputs") for name, said in facts[way].items()}
    checked = facts["checked"]
    if checked:
        rows["checked"] = f"{checked['largest_difference']:g} from torch at most, at {', '.join(checked['sizes'])}"
    rows |= {"weights": f"SHA-256 {facts['weights']}", "trained on": ", ".join(facts["data"]) or "not told"}
    rows |= {"licence": facts["licence"], "notes": "; ".join(filter(None, (facts["notice"], *facts["notes"])))}
    return table(facts["file"], {shown(name): shown(value) for name, value in rows.items()})
