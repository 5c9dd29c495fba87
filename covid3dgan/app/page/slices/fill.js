// Fills the slices between two that the user painted: the shape goes over from one to the other by the distance to its
// edge (shape-based interpolation, Raya and Udupa 1990). No DOM here: tests run this file by itself.
import { ADDED } from './mask.js'

// Adds to `mask` (within begin and end) between the painted slices next to `index` along `axis`; returns [from, to] or
// null where there are not two with a slice between them.
export function fillBetween(mask, axis, index) {
  const painted = paintedSlices(mask, axis)
  const below = painted.filter((n) => n <= index).pop()
  const above = painted.find((n) => n > index)
  const [from, to] = above === undefined ? painted.slice(-2) : [below, above]
  if (from === undefined || to === undefined || to - from < 2) return null
  const [u, v] = [0, 1, 2].filter((a) => a !== axis)
  const size = [mask.shape[u], mask.shape[v]]
  const spacing = [mask.spacing[u], mask.spacing[v]]
  const place = (a, b, n) => a * mask.steps[u] + b * mask.steps[v] + n * mask.steps[axis]
  const [first, last] = [from, to].map((n) => edgeDistance(shapeOf(mask, size, place, n), size, spacing))
  for (let n = from + 1; n < to; n++) {
    const share = (n - from) / (to - from)
    for (let b = 0, k = 0; b < size[1]; b++) for (let a = 0; a < size[0]; a++, k++) {
      if ((1 - share) * first[k] + share * last[k] < 0) mask.add(place(a, b, n))
    }
  }
  return [from, to]
}

function paintedSlices(mask, axis) {
  const found = new Set()
  mask.hand.forEach((value, i) => {
    if (value === ADDED) found.add(Math.floor(i / mask.steps[axis]) % mask.shape[axis])
  })
  return [...found].sort((a, b) => a - b)
}

function shapeOf(mask, size, place, n) {
  const inside = new Uint8Array(size[0] * size[1])
  for (let b = 0, k = 0; b < size[1]; b++) for (let a = 0; a < size[0]; a++, k++) inside[k] = mask.hand[place(a, b, n)] === ADDED ? 1 : 0
  return inside
}

// Distance in mm to the shape's edge: negative inside.
export function edgeDistance(inside, size, spacing) {
  const out = distance(inside, size, spacing, 1)
  const within = distance(inside, size, spacing, 0)
  return out.map((d, k) => Math.sqrt(d) - Math.sqrt(within[k]))
}

// Squared distance in mm to the nearest pixel of `value` (Felzenszwalb and Huttenlocher 2012).
function distance(inside, size, spacing, value) {
  const far = 1e12
  const field = Float64Array.from(inside, (pixel) => (pixel === value ? 0 : far))
  for (let b = 0; b < size[1]; b++) along(field, b * size[0], 1, size[0], spacing[0])
  for (let a = 0; a < size[0]; a++) along(field, a, size[0], size[1], spacing[1])
  return field
}

function along(field, start, step, count, spacing) {
  const line = Float64Array.from({ length: count }, (_, n) => field[start + n * step])
  const [roots, edges] = [[0], [-Infinity]]
  const square = spacing * spacing
  for (let q = 1; q < count; q++) {
    let cross
    for (;;) {
      const p = roots[roots.length - 1]
      cross = (line[q] - line[p] + square * (q * q - p * p)) / (2 * square * (q - p))
      if (cross > edges[edges.length - 1] || roots.length === 1) break
      roots.pop()
      edges.pop()
    }
    if (cross <= edges[edges.length - 1]) {
      roots[0] = q
      continue
    }
    roots.push(q)
    edges.push(cross)
  }
  for (let q = 0, k = 0; q < count; q++) {
    while (k + 1 < roots.length && edges[k + 1] < q) k++
    field[start + q * step] = square * (q - roots[k]) ** 2 + line[roots[k]]
  }
}
