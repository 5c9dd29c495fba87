"""What waits for a person at the notebook: questions, passwords, sliders. The run is unattended."""

__all__ = ["WIDGETS", "install_answers"]

import inspect

_SHOWN = "unattended: called once, with the first values"


def install_answers(recorder, ipython):
    """``input()`` and ``getpass()`` give an empty answer at once, and say so."""
    if not hasattr(ipython, "kernel"):
        return

    def nothing(prompt="", *args, **kwargs):
        recorder.emit("adaptation", f"input({str(prompt)[:40]!r})", "an empty answer: nobody is asked")
        print(prompt)
        return ""

    ipython.kernel.raw_input = ipython.kernel.getpass = nothing


class Widget:
    """A control that nobody moves: it keeps what it was made with."""

    def __init__(self, *args, **kwargs):
        self.__dict__.update(kwargs)
        if "value" not in kwargs:
            options = kwargs.get("options")
            self.value = _first(options) if options is not None else kwargs.get("min", _first(args) if args else None)
        self.children = args[0] if args and isinstance(args[0], (list, tuple)) else ()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None  # observe, on_click, ...

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def _first(control):
    """The value that an abbreviation of ``interact`` stands for: (from, to) its middle, a list its first."""
    if isinstance(control, Widget):
        return control.value
    numbers = isinstance(control, tuple) and all(isinstance(part, (int, float)) for part in control)
    if numbers and len(control) in (2, 3):
        middle = (control[0] + control[1]) / 2
        return int(middle) if all(isinstance(part, int) for part in control) else middle
    if isinstance(control, dict):
        return next(iter(control.values()), None)
    if isinstance(control, (list, tuple)):
        return control[0] if control else None
    return control


def _interact(function=None, *args, **controls):
    if function is None:
        return lambda function: _interact(function, **controls)
    defaults = {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()
                if parameter.default is not parameter.empty}
    function(**{name: _first(value) for name, value in {**defaults, **controls}.items()})
    return function


def _widgets(module):
    module.interact = _interact
    module.interactive = lambda function, **controls: _interact(function, **controls) and Widget()
    module.interactive_output = lambda function, controls: _interact(function, **controls) and Widget()
    module.interact_manual, module.fixed = _interact, lambda value: value
    module.__getattr__ = _control
    return _SHOWN


def _control(name):
    if name.startswith("_"):
        raise AttributeError(name)
    return Widget


WIDGETS = {"ipywidgets": _widgets, "ipywidgets.widgets": _widgets}
