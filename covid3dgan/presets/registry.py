"""The registry of presets, and how their fields are read, printed and overridden."""

__all__ = ["as_dict", "describe", "fields_of", "from_dict", "get", "names", "override", "register"]

import dataclasses
import importlib
import json
import typing

from covid3dgan import papers
from covid3dgan.errors import ArgumentError, nearest_names

# Fields that became constants, and the recorded values under which the code did what it does today: former runs open.
REMOVED = {
    # Read by no code, so that every value was as good.
    "gan.unused_input": (False, True), "evaluation.protocol": ("published", "khali_pixel_max", "afseg"),
    # The whole stage of AF-SEG, likewise.
    "evaluation.slice_filters": (True, False), "evaluation.mosmed_dice": ("table", "text"),
    "evaluation.radiopaedia_cases": (None,), "evaluation.two_case_row": (True, False),
    "segmenter.target_quantile": (None,), "gan.reconstruction_every": (1,), "pseudo.smooth_sigma": (0.0,),
    "contrastive.weight": (1.0,), "transunet.sensitivity_weight": (1.5,), "transunet.mse_weight": (1.0,),
    "transunet.sensitivity_loss_weight": (1.0,), "transunet.false_negatives": ("soft",),
    "coarse.fill_holes": (True,), "coarse.nu": (0.001,), "coarse.mu": (1.0,), "coarse.time_step": (0.1,),
    "coarse.outer": (10,), "coarse.inner": (10,), "background.dip_learning_rate": (0.01,),
    "background.dip_input_noise": (0.03,), "single_inpainting.momentum": (0.9,), "multi_inpainting.momentum": (0.9,),
    "single_inpainting.weight_decay": (5e-4,), "multi_inpainting.weight_decay": (5e-4,), "single.clip": (0.5,),
    "multi.momentum": (0.7,), "multi.lookahead_period": (5,), "multi.lookahead_step": (0.5,),
    "multi.label_smoothing": (0.0,),
}
_registry = {}


def register(preset):
    """Adds a preset (a frozen dataclass with ``name`` and ``summary``) under its own name; returns it."""
    if preset.name in _registry:
        raise ValueError(f"two presets are called {preset.name!r}")
    _registry[preset.name] = preset
    return preset


def _load():
    """Imports the papers' files of presets: on first use, since each of them imports this one."""
    for paper in papers.all():
        importlib.import_module(paper.presets)


def names():
    """All preset names, in the order of the systems."""
    _load()
    return list(_registry)


def get(name):
    """The preset called ``name``; an ArgumentError with the nearest names where there is none."""
    _load()
    if name not in _registry:
        raise ArgumentError("preset", f"one of {', '.join(_registry)}", f"{name!r}{nearest_names(name, _registry)}",
                            "see 'covid3dgan info'")
    return _registry[name]


def as_dict(preset):
    """A preset as nested dictionaries of JSON values (written whole into run.json)."""
    return json.loads(json.dumps(dataclasses.asdict(preset)))


def from_dict(content):
    """The preset that ``as_dict`` wrote: the registered one of that name with every recorded value put back.

    A field added since the run was made takes its class's default, which is what the code did before it was an option,
    whatever the registered preset has now. A recorded field that no longer exists is an ArgumentError unless it holds
    what is built in today (REMOVED): a run is never continued under values other than its own.
    """
    preset = get(content.get("name", ""))
    known = dict(fields_of(preset))
    recorded = {path: value for path, value in fields_of_dict(content)
                if path in known or _tuples(value) not in REMOVED.get(path, ())}
    if set(recorded) - set(known):
        odd = sorted(set(recorded) - set(known))
        raise ArgumentError(f"preset {preset.name} of the run", "fields of this version", f"also {odd}",
                            "use the version that made the run")
    for path in set(known) - set(recorded):
        preset = _replaced(preset, path.split("."), _default_of(preset, path.split(".")))
    for path, value in recorded.items():
        preset = _replaced(preset, path.split("."), _tuples(value))
    return preset


def _default_of(preset, path):
    """The default that the class of a stage gives to the field at ``path``."""
    for name in path[:-1]:
        preset = getattr(preset, name)
    return next(field.default for field in dataclasses.fields(preset) if field.name == path[-1])


def fields_of(preset, prefix=""):
    """Yields (dotted field name, value) for every leaf field of a preset."""
    for field in dataclasses.fields(preset):
        value = getattr(preset, field.name)
        if dataclasses.is_dataclass(value):
            yield from fields_of(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, value


def fields_of_dict(content, prefix=""):
    """Like ``fields_of`` for the nested dictionaries of ``as_dict``."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from fields_of_dict(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def describe(preset):
    """A preset in full as text, one field a line."""
    width = max(len(path) for path, _ in fields_of(preset))
    lines = [f"{preset.name}: {preset.summary}", ""]
    lines += [f"  {path:<{width}}  {value!r}" for path, value in fields_of(preset) if path not in ("name", "summary")]
    return "\n".join(lines)


def override(preset, settings):
    """A copy of ``preset`` with ``settings``, an iterable of ``"field=value"`` strings, applied in order.

    A field may be given by its dotted name (``gan.batch_size``) or, where only one stage has it, by its last part.
    """
    for setting in settings:
        name, equals, text = str(setting).partition("=")
        if not equals:
            raise ArgumentError("--set", "field=value", repr(setting), "write for example --set gan.batch_size=4")
        path = _resolve(preset, name.strip())
        hint = _type_of(preset, path.split("."))
        preset = _replaced(preset, path.split("."), _parse(path, text.strip(), hint))
    return preset


def _resolve(preset, name):
    known = [path for path, _ in fields_of(preset) if path not in ("name", "summary", "system")]
    if name in known:
        return name
    matches = [path for path in known if path.rpartition(".")[2] == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ArgumentError(f"--set {name}", "a field that one stage alone has", f"{', '.join(matches)}",
                            "write the stage as well")
    last_parts = {path.rpartition(".")[2]: path for path in known}
    near = nearest_names(name, known) or nearest_names(name, last_parts)
    raise ArgumentError(f"--set {name}", f"a field of {preset.name}", f"none of that name{near}",
                        f"see 'covid3dgan info {preset.name}'")


def _type_of(preset, path):
    for part in path[:-1]:
        preset = getattr(preset, part)
    return typing.get_type_hints(type(preset))[path[-1]]


def _replaced(preset, path, value):
    if len(path) > 1:
        value = _replaced(getattr(preset, path[0]), path[1:], value)
    return dataclasses.replace(preset, **{path[0]: value})


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _parse(path, text, hint):
    """``text`` as the field's declared type; Optional, Literal and Tuple are understood."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        if text.lower() == "none":
            return None
        return _parse(path, text, next(a for a in arguments if a is not type(None)))
    if origin is typing.Literal:
        for choice in arguments:
            if str(choice) == text:
                return choice
        raise _wrong(path, " or ".join(str(c) for c in arguments), text + nearest_names(text, arguments))
    if origin is tuple:
        parts = [p for p in text.strip("()[] ").replace("x", ",").split(",") if p.strip()]
        kinds = [arguments[0]] * len(parts) if arguments[-1] is Ellipsis else list(arguments)
        if len(parts) != len(kinds):
            raise _wrong(path, f"{len(kinds)} values separated by commas", text)
        return tuple(_parse(path, p.strip(), k) for p, k in zip(parts, kinds))
    if hint is bool:
        if text.lower() not in ("true", "false"):
            raise _wrong(path, "true or false", text)
        return text.lower() == "true"
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError:
            raise _wrong(path, "a whole number" if hint is int else "a number", text) from None
    return text


def _wrong(path, expected, text):
    return ArgumentError(f"--set {path}", expected, repr(text), "correct the value")
