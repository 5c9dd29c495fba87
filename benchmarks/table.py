"""The table of ``python -m benchmarks``, also as it goes into docs/RESULTS.md."""

import numpy as np

__all__ = ["machine_line", "of_bench", "peaks", "short"]


def machine_line(facts):
    """One line on the machine."""
    versions = facts["versions"]
    tensorflow = versions.get("tensorflow") or versions.get("tensorflow-cpu")
    units = "fast" if facts["bfloat16_units"] else "no fast"
    onednn = {True: "oneDNN on", False: "oneDNN off", None: "oneDNN as TensorFlow chooses"}[facts.get("onednn")]
    return (f"{facts.get('processor') or facts['platform']}, {facts.get('instruction_set') or 'no x86'}, "
            f"{facts['cpus']} cores, {facts.get('threads', '-')} threads, {facts['memory_gib']} GiB, {units} bfloat16 "
            f"units, {onednn}; TensorFlow {tensorflow}, Keras {versions.get('keras')}, "
            f"Python {versions['python']}; load before the start {facts.get('load_before', '-')}; "
            f"commit {(facts['git_commit'] or '-')[:9]}")


def peaks(found):
    """dtype -> operations per second of the matrix product, where it was measured."""
    sides = next((one["sides"] for one in found if one["name"] == "machine"), {})
    return {_short_type(result["dtype"]): result["flops"] / result["seconds"] for result in sides.values()
            if "seconds" in result}


def of_bench(one, peak):
    """The lines of one benchmark, a Markdown table."""
    base = one["sides"].get(one["baseline"], {})
    options = ", ".join(f"{key} {value}" for key, value in one["options"].items())
    lines = ["", f"### {one['title']}", f"({options})", "",
             f"| side | s per {one['unit']} | times as fast | peak MB | GFLOP | share of peak | |",
             "|---|---|---|---|---|---|---|"]
    for side, result in one["sides"].items():
        ratio, rounds = _ratio(result, base, one.get("alternating"))
        lines.append("| " + " | ".join([side, *_cells(result, ratio, rounds, peak)]) + " |")
    return "\n".join(lines)


def short(result):
    """One side in a few words, for the progress."""
    if "seconds" not in result:
        return next(f"{key}: {result[key]}" for key in ("skipped", "failed") if key in result)
    return f"{result['seconds']:.4g} s"


def _cells(result, ratio, rounds, peak):
    if "seconds" not in result:
        return "", "", "", "", "", short(result)
    seconds, flops = result["seconds"], result.get("flops")
    memory = f"{result['peak_mb']:.0f}" if result.get("peak_mb") else ""
    work = f"{flops / 1e9:.1f}" if flops else ""
    most = peak.get(_short_type(result.get("dtype", "")))
    share = f"{100 * flops / seconds / most:.0f} %" if flops and most else ""
    return f"{seconds:.4g}", ratio, memory, work, share, "; ".join(filter(None, [result.get("note"), rounds]))


def _ratio(result, base, alternating):
    """How many times as fast as ``base``, and, where the two took turns, from what to what over the rounds."""
    if "seconds" not in result or "seconds" not in base:
        return "", ""
    if not alternating or result is base:
        return f"{base['seconds'] / result['seconds']:.2f}", ""
    ratios = np.divide(base["each"], result["each"])
    return f"{np.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} rounds"


def _short_type(name):
    return name.replace("mixed_", "")
