"""Every public name of the rooms that load on first use."""

import pytest

from covid3dgan import losses, models


@pytest.mark.parametrize("room, name", [(room, name) for room in (models, losses) for name in room.__all__])
def test_a_public_name_loads_and_comes_from_its_room(room, name):
    found = getattr(room, name)
    assert callable(found) and found.__name__ == name and found.__module__.startswith(room.__name__)
    assert name in dir(room)


@pytest.mark.parametrize("room", [models, losses])
def test_another_name_is_no_attribute(room):
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = room.no_such_name
