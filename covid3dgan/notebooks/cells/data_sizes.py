"""Numbers in the published notebooks that are sizes of the authors' data, fitted to the data at hand.

664 COVID and 226 healthy volumes of 32 slices, 21,248 slices in all, 1,792 in each of two groups. Bounds and indices
below them (650 of 664) keep their place in proportion.
"""

__all__ = ["AMBIGUOUS", "PUBLISHED", "DataSizes", "role_of"]

import re

PUBLISHED = {"covid": 664, "healthy": 226, "slices": 21248, "group": 1792, "groups": 3584}

# Constant -> whose size or index it is.
CONSTANTS = {664: "covid", 660: "covid", 650: "covid", 661: "covid", 662: "covid", 663: "covid",
             226: "healthy", 225: "healthy", 220: "healthy", 200: "healthy", 21248: "slices",
             1792: "group", 3584: "groups", 3350: "groups", 3260: "groups", 3272: "groups"}
AMBIGUOUS = {200, 220, 225}  # sizes of the data only as the bounds of a range or of a count
_WORDS = {"covid": "COVID volumes", "healthy": "healthy volumes", "slices": "slices",
          "group": "slices in the high group", "groups": "slices in both groups"}
# The notebook's two groups of slices are no files: they are found among its variables.
_HIGH, _LOW = re.compile(r"hi|high|pos|positive", re.I), re.compile(r"lo|low|neg|negative", re.I)


def role_of(name):
    """Which of the published arrays a file is, by its name: covid, healthy, slices, or None."""
    name = name.lower()
    if name in ("input_lung.npy", "output_lung_gen.npy"):
        return "slices"
    if any(word in name for word in ("control", "healthy", "normal")):
        return "healthy"
    return "covid" if "covid" in name else None


class DataSizes:
    """Remembers how many volumes and slices were loaded, and answers what a published constant stands for.

    Args:
        recorder: gets an event for every constant that changes.
        variables: () -> the notebook's variables.
    """

    def __init__(self, recorder, variables=dict):
        self.recorder = recorder
        self.variables = variables
        self.loaded = {}

    def note(self, name, shape):
        """An array of ``shape`` was loaded from the file that the notebook calls ``name``."""
        role = role_of(name)
        if not role or not shape:
            return
        if role != "slices" and len(shape) >= 4 and shape[1] == shape[2]:  # (cases x 32, 128, 128, 1)
            cases, slices = int(shape[0]) // 32, int(shape[0])
        else:
            cases, slices = int(shape[0]), int(shape[0]) * int(shape[1]) if len(shape) >= 4 else None
        self.loaded[role] = cases if role != "slices" else int(shape[0])
        if role == "covid" and slices:
            self.loaded["slices"] = slices

    def size(self, constant):
        """The number to use for ``constant``."""
        role = CONSTANTS.get(constant)
        total, published = self._at_hand(role), PUBLISHED.get(role)
        if total is None or total == published:
            return constant
        value = total if constant == published else constant * total // published
        self.recorder.emit("adaptation", f"constant {constant}",
                           f"{value}: there are {total} {_WORDS[role]} here, {published} in the published data")
        return value

    def published_length(self, length, index, name=""):
        """How long the published array is that has an ``index`` and stands at ``length`` here; None where none does.

        Where several do (as many healthy volumes as COVID ones), the variable's name decides, then the shortest.
        """
        found = {role: published for role, published in PUBLISHED.items()
                 if length == self._at_hand(role) and length < published and index < published}
        if not found:
            return None
        return found.get(role_of(name)) or min(found.values())

    def _at_hand(self, role):
        if role in ("group", "groups"):
            return self._groups()[role == "groups"]
        return self.loaded.get(role)

    def _groups(self):
        """(slices in the group of high infection, in both groups), each None where no variable shows it.

        The high group is an array whose name says so, such as x_train_hi; both together are x_train where there is
        one, else the high and the low group.
        """
        arrays = {name: value for name, value in list(self.variables().items())
                  if isinstance(getattr(value, "shape", None), tuple) and value.shape and not name.startswith("_")}
        high = [name for name in arrays if any(map(_HIGH.fullmatch, name.split("_")))]
        if not high:
            return None, None
        high = max(high, key=lambda name: len(arrays[name].shape))  # slices, not their numbers
        group = len(arrays[high])
        both = "_".join(word for word in high.split("_") if not _HIGH.fullmatch(word))
        low = [len(value) for name, value in arrays.items() if any(map(_LOW.fullmatch, name.split("_")))]
        return group, len(arrays[both]) if both in arrays else group + (low[0] if low else group)
