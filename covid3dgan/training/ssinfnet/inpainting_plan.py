"""Whose turn it is during the coach-guided inpainting, and at which learning rate (paper 004, section V.B; I05)."""

__all__ = ["Moment", "make_plan", "rounds"]

import bisect
import dataclasses
import itertools


@dataclasses.dataclass(frozen=True)
class Moment:
    """What a step does.

    Attributes:
        who: "network" or "coach".
        rate: the learning rate of whoever it is.
        fresh: the optimizer starts anew: the code makes a new one where a round begins and where the rate changes.
        random_mask: the network has met no trained coach yet and random cells are erased.
    """

    who: str
    rate: float
    fresh: bool
    random_mask: bool


def rounds(options):
    """[(who, epochs), ...] until the network has had its epochs; it never ends on the coach.

    ``network`` first is the paper's order: network, coach, network, ...; ``coach`` first is the code's of the paper's
    month, whose coach learns against an untrained network.
    """
    turns, left, number = [], options.network_epochs, 0
    while left > 0:
        length = min(left, options.first_round if number == 0 else options.later_round)
        if number or options.starts_with == "coach":
            earlier = any(who == "coach" for who, _ in turns)
            turns.append(("coach", options.later_round if earlier else options.coach_first_round))
        turns.append(("network", length))
        left -= length
        number += 1
    return turns


def make_plan(options, steps_per_epoch):
    """(step -> Moment, number of steps).

    Args:
        options: presets.ssinfnet.Inpainting.
        steps_per_epoch: how many batches make an epoch.
    """
    turns = rounds(options)
    starts = [0, *itertools.accumulate(epochs * steps_per_epoch for _, epochs in turns)]
    seen = list(itertools.accumulate((who == "coach" for who, _ in turns), initial=0))

    def at(step):
        index = bisect.bisect_right(starts, step) - 1
        who, within = turns[index][0], step - starts[index]
        if who == "coach":
            return Moment(who, options.coach_rate, within == 0, False)
        first = all(turn != "network" for turn, _ in turns[:index])
        rate, changed = _network_rate(options, first, within, steps_per_epoch)
        return Moment(who, rate, within == 0 or changed, seen[index] == 0)

    return at, starts[-1]


def _network_rate(options, first, within, steps_per_epoch):
    """(rate, whether it has just changed) ``within`` steps into a round of the network."""
    if not first and options.learning_rates == "first-round":
        return options.later_rate, False
    epoch = within // steps_per_epoch
    index = bisect.bisect_right(options.rate_epochs, epoch) - 1
    changed = within == options.rate_epochs[index] * steps_per_epoch
    return options.rates[index], changed
