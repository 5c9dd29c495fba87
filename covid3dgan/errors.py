"""The one exception and the one warning that bad input raises, and the form of their sentences."""

__all__ = ["ArgumentError", "InputError", "InputWarning", "check_choice", "missing_sentence", "nearest_names",
           "sentence", "system_sentence"]

import difflib


def sentence(subject, expected, found, action):
    """The house form of every message: what, expected, found, what to do.

    >>> sentence("ct.nii.gz", "a 3D volume", "a 2D image", "pass the whole series")
    'ct.nii.gz: expected a 3D volume, found a 2D image; pass the whole series.'
    """
    return f"{subject}: expected {expected}, found {found}; {action}."


class InputError(ValueError):
    """A file or an argument that cannot be used; the command line prints its sentence and exits 1.

    Args:
        subject: file path or argument name.
        expected, found, action: the three parts of the sentence.
    """

    exit_code = 1

    def __init__(self, subject, expected, found, action):
        super().__init__(sentence(subject, expected, found, action))
        self.subject = str(subject)
        self._parts = subject, expected, found, action

    def __reduce__(self):
        """Rebuilt from its parts where it crosses from one process to another."""
        return type(self), self._parts


class ArgumentError(InputError):
    """An argument that is wrong whatever the files hold; the command line exits 2."""

    exit_code = 2


class InputWarning(UserWarning):
    """Input that is used although something about it is unlikely; an error under ``--strict``."""


def system_sentence(error):
    """The house sentence of an OSError that names a file: no permission, no space, a file where a folder should be."""
    return sentence(error.filename, "a path that can be read or written", error.strerror or type(error).__name__,
                    "check the path, its access rights and the free space")


def missing_sentence(error):
    """The house sentence of a ModuleNotFoundError where TensorFlow or what comes with it is missing, else None."""
    if (error.name or "").split(".")[0] not in ("tensorflow", "keras", "h5py"):
        return None
    return sentence("TensorFlow", "it in this Python, since networks are trained and opened with it",
                    f"no package {error.name}",
                    "run pip install 'covid3dgan[keras3]' (Python 3.9: 'covid3dgan[reference]')")


def nearest_names(name, known, count=3):
    """' (nearest: a, b)' for the known names that look like ``name``, or an empty string."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=count, cutoff=0.4)
    return f" (nearest: {', '.join(close)})" if close else ""


def check_choice(subject, value, choices):
    """``value`` if it is one of ``choices``; else ArgumentError with the nearest names."""
    if value not in choices:
        raise ArgumentError(subject, f"one of {', '.join(choices)}", f"{value!r}{nearest_names(value, choices)}",
                            "choose one of them")
    return value
