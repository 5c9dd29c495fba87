"""The text in a figure as boxes of pixels: which of them cover each other, and which leave the figure."""

import itertools

from matplotlib.text import Text

SLACK = 1.0  # pixels: neighbours may touch


def text_boxes(figure):
    """[(text, box)] of every text that is drawn, ticks out of an axis' range apart."""
    figure.draw_without_rendering()
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            drawn = {id(label) for tick in axis._update_ticks() for label in (tick.label1, tick.label2)}
            hidden |= {id(label) for tick in (*axis.majorTicks, *axis.minorTicks)
                       for label in (tick.label1, tick.label2)
                       if id(label) not in drawn or not (axes.axison and axes.get_visible())}
    renderer = figure._get_renderer()
    return [(text.get_text(), text.get_window_extent(renderer)) for text in figure.findobj(Text)
            if text.get_visible() and text.get_text().strip() and id(text) not in hidden]


def faults(figure):
    """One line per pair of texts that cover each other, and per text that is not wholly inside the figure."""
    boxes, found = text_boxes(figure), []
    for (first, a), (second, b) in itertools.combinations(boxes, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > SLACK and high > SLACK:
            found.append(f"{first!r} covers {second!r} by {wide:.0f} x {high:.0f}")
    inside = figure.bbox
    found += [f"{text!r} leaves the figure" for text, box in boxes
              if min(box.x0 - inside.x0, box.y0 - inside.y0, inside.x1 - box.x1, inside.y1 - box.y1) < -SLACK]
    return found
