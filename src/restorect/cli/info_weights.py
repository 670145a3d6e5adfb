"""What `restorect info` shows of a weight file: its card, and the steps around the network."""

from pathlib import Path
from typing import Any

SUFFIX = ".safetensors"


def facts(path: Path) -> dict[str, Any]:
    """What the card of a weight file says, the check sum of its tensors verified.

    Raises:
        CheckpointError: the file is unusable.
    """
    from restorect.auto.classifier import Classifier, is_classifier
    from restorect.errors import shown
    from restorect.nets.checkpoint import read_checkpoint
    from restorect.render.checkpoint import restoration_config

    if is_classifier(path):
        learnt = Classifier.load(path).card
        plain = {"data": list(learnt.data), "licence": learnt.licence, "metrics": learnt.metrics or {}}
        name = {"file": shown(path), "bytes": path.stat().st_size, "kind": "classifier"}
        return name | {"classes": list(learnt.classes)} | plain
    tensors, card = read_checkpoint(path)
    found: dict[str, Any] = {
        "file": shown(path),
        "bytes": path.stat().st_size,
        "kind": card.kind,
        "task": card.task,
        "size": card.preset,
        "numbers": sum(tensor.numel() for tensor in tensors.values()),
    }
    if card.kind == "student":
        config = restoration_config(path, card).written()
        flow = config["student"]
        found |= {"flow": f"{flow['steps']} steps from {flow['start']}", **{k: config[k] for k in ("before", "after")}}
    licence = {"data": list(card.data), "licence": card.licence}
    return found | licence | {"metrics": card.metrics, "notes": card.notes}


def text(facts: dict[str, Any]) -> str:
    """The same for people."""
    from restorect.render.steps import told

    rows: dict[str, str] = {name: str(facts[name]) for name in ("kind", "task", "size", "flow") if name in facts}
    if facts["kind"] == "classifier":
        rows |= {"classes": ", ".join(facts["classes"]), "licence": facts["licence"]}
        rows |= {name: str(figures) for name, figures in facts["metrics"].items()}
        return table(facts["file"], rows)
    rows["numbers"] = f"{facts['numbers']:,} in {facts['bytes']:,} bytes, check sum right"
    for end in ("before", "after"):
        if end in facts:
            rows[end] = ", ".join(map(told, facts[end])) or "nothing"
    rows |= {"trained on": ", ".join(facts["data"]) or "not told", "licence": facts["licence"]}
    rows |= {
        name: f"{m['psnr']:.2f} dB, SSIM {m['ssim']:.4f} ({m['protocol']})" for name, m in facts["metrics"].items()
    }
    rows |= {name: str(value) for name, value in facts["notes"].items()}
    return table(facts["file"], rows)


def table(name: str, rows: dict[str, str]) -> str:
    """Rows below the name of a file."""
    return "\n".join([name, *(f"  {name:<12} {value}" for name, value in rows.items())])
