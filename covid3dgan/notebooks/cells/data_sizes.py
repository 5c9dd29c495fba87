"""Numbers in the published notebooks that are sizes of the authors' data, fitted to the data at hand.

664 COVID and 226 healthy volumes of 32 slices, 21,248 slices in all, 1,792 in each of two groups. Bounds and indices
below them (650 of 664, slice 20744) keep their place in proportion.
"""

__all__ = ["AMBIGUOUS", "PUBLISHED", "DataSizes", "role_of"]

PUBLISHED = {"covid": 664, "healthy": 226, "slices": 21248, "group": 1792, "groups": 3584}

# Constant -> whose size or index it is.
CONSTANTS = {664: "covid", 660: "covid", 650: "covid", 661: "covid", 662: "covid", 663: "covid",
             226: "healthy", 225: "healthy", 220: "healthy", 200: "healthy", 21248: "slices", 20744: "slices",
             1792: "group", 3584: "groups", 3350: "groups", 3260: "groups", 3272: "groups"}
AMBIGUOUS = {200, 220, 225}  # sizes of the data only as the bounds of a range or of a count
_OF_NAMES = {"group": "x_train_hi", "groups": "x_train"}  # variables of the notebook Segmentation2D


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
        if role and shape:
            self.loaded[role] = int(shape[0])
            if role == "covid" and len(shape) >= 4:
                self.loaded["slices"] = int(shape[0]) * int(shape[1])

    def size(self, constant):
        """The number to use for ``constant``."""
        role = CONSTANTS.get(constant)
        total, published = self._at_hand(role), PUBLISHED.get(role)
        if total is None or total == published:
            return constant
        value = total if constant == published else constant * total // published
        self.recorder.emit("adaptation", f"constant {constant}",
                           f"{value}: there are {total} {role} here, {published} in the published data")
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
        if role in _OF_NAMES:
            array = self.variables().get(_OF_NAMES[role])
            return int(array.shape[0]) if hasattr(array, "shape") and len(array.shape) else None
        return self.loaded.get(role)
