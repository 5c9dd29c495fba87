// Colours of labels and of the lungs, the same in slices, in 3D and in the table.

export const LUNGS = [86, 140, 232]

const LABELS = [[229, 62, 62], [56, 200, 214], [246, 173, 50], [206, 96, 214], [104, 190, 76], [240, 128, 170],
  [160, 120, 240], [214, 200, 70]]

// One colour for each label of each mask, in the order in which they are listed.
export function labelColour(index) {
  return LABELS[index % LABELS.length]
}

export function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`
}

// A ramp from violet to yellow, more opaque as it grows, with nothing at 0: NiiVue's form of a colour map.
export const HEAT = { R: [72, 72, 150, 226, 252, 255], G: [20, 20, 36, 84, 168, 244],
  B: [120, 120, 130, 70, 50, 150], A: [0, 60, 140, 190, 220, 235], I: [0, 1, 64, 128, 192, 255] }

// Grey like a CT's, and black where it is below its window instead of nothing.
export const OPAQUE = { R: [0, 255], G: [0, 255], B: [0, 255], A: [255, 255], I: [0, 255] }

export const HEAT_CSS = 'linear-gradient(90deg, rgb(72 20 120), rgb(226 84 70), rgb(255 244 150))'
