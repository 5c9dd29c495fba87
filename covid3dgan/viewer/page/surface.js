// The surface of a mask as triangles: naive surface nets (Gibson 1998) on a coarser, blurred copy of the mask.
// One vertex in each cell that the surface crosses, at the mean of its crossings; one square for each crossed edge.

const CELL_MM = 2.2

// shape: voxels per axis (first axis fastest); affine: rows of 4, voxel -> mm; belongs(byte): whether a voxel is inside.
// level: how much of a blurred cell must be inside; small findings want less than a half.
export function surface(mask, shape, affine, belongs, level = 0.5, blurs = 1) {
  const spacing = [0, 1, 2].map((axis) => Math.hypot(affine[0][axis], affine[1][axis], affine[2][axis]))
  const factors = spacing.map((step) => Math.max(1, Math.round(CELL_MM / step)))
  const [field, size] = shrink(mask, shape, factors, belongs)
  let smooth = field
  for (let i = 0; i < blurs; i++) smooth = blur(smooth, size)
  const { points, squares } = nets(smooth, size, level)
  return { points: toMillimetres(points, factors, affine), triangles: triangles(squares, affine) }
}

// The share of each block that is inside, with an empty border of two cells so that every surface closes.
function shrink(mask, shape, factors, belongs) {
  const border = 2
  const size = shape.map((n, axis) => Math.ceil(n / factors[axis]) + 2 * border)
  const field = new Float32Array(size[0] * size[1] * size[2])
  const part = 1 / (factors[0] * factors[1] * factors[2])
  const inside = Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0))
  let i = 0
  for (let z = 0; z < shape[2]; z++) {
    const cz = (Math.floor(z / factors[2]) + border) * size[1]
    for (let y = 0; y < shape[1]; y++) {
      const row = (cz + Math.floor(y / factors[1]) + border) * size[0] + border
      for (let x = 0; x < shape[0]; x++, i++) if (inside[mask[i]]) field[row + Math.floor(x / factors[0])] += part
    }
  }
  return [field, size]
}

// The mean of three neighbours along each axis in turn.
function blur(field, size) {
  let current = field
  const steps = [1, size[0], size[0] * size[1]]
  for (const step of steps) {
    const next = new Float32Array(current.length)
    for (let i = step; i < current.length - step; i++) {
      next[i] = (current[i - step] + 2 * current[i] + current[i + step]) / 4
    }
    current = next
  }
  return current
}

const CORNERS = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]]
const EDGES = [[0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7]]

function nets(field, size, level) {
  const steps = [1, size[0], size[0] * size[1]]
  const corners = CORNERS.map((corner) => corner.reduce((sum, on, axis) => sum + on * steps[axis], 0))
  const vertexOf = new Int32Array(field.length).fill(-1)
  const points = []
  const squares = []
  for (let z = 0; z < size[2] - 1; z++) for (let y = 0; y < size[1] - 1; y++) for (let x = 0; x < size[0] - 1; x++) {
    const i = x + y * steps[1] + z * steps[2]
    let inside = 0
    for (let c = 0; c < 8; c++) if (field[i + corners[c]] >= level) inside++
    if (inside === 0 || inside === 8) continue
    vertexOf[i] = points.length / 3
    points.push(...crossing(field, i, corners, level, [x, y, z]))
    // The edge that leaves this cell's first corner along each axis, and the four cells around it.
    for (let axis = 0; axis < 3; axis++) {
      const a = field[i] >= level
      const b = field[i + steps[axis]] >= level
      const u = steps[(axis + 1) % 3]
      const v = steps[(axis + 2) % 3]
      if (a !== b) squares.push(a, i, i - u, i - u - v, i - v)
    }
  }
  return { points, squares: squares.map((entry, k) => (k % 5 ? vertexOf[entry] : entry)) }
}

function crossing(field, i, corners, level, origin) {
  const sum = [0, 0, 0]
  let count = 0
  for (const [from, to] of EDGES) {
    const a = field[i + corners[from]]
    const b = field[i + corners[to]]
    if (a >= level === b >= level) continue
    const t = (level - a) / (b - a)
    for (let axis = 0; axis < 3; axis++) {
      sum[axis] += CORNERS[from][axis] + t * (CORNERS[to][axis] - CORNERS[from][axis])
    }
    count++
  }
  return sum.map((value, axis) => origin[axis] + value / count)
}

// Cells count from the border's start, and a block's value lies at the block's middle.
function toMillimetres(points, factors, affine) {
  const made = new Float32Array(points.length)
  for (let i = 0; i < points.length; i += 3) {
    const voxel = [0, 1, 2].map((axis) => (points[i + axis] - 2) * factors[axis] + (factors[axis] - 1) / 2)
    for (let row = 0; row < 3; row++) {
      made[i + row] = affine[row][0] * voxel[0] + affine[row][1] * voxel[1] + affine[row][2] * voxel[2] + affine[row][3]
    }
  }
  return made
}

// Two triangles a square, turned so that they face outwards.
function triangles(squares, affine) {
  const [a, b, c] = affine
  const mirrored = a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
    + a[2] * (b[0] * c[1] - b[1] * c[0]) < 0
  const made = new Uint32Array((squares.length / 5) * 6)
  for (let k = 0, at = 0; k < squares.length; k += 5, at += 6) {
    const [inside, p, q, r, s] = squares.slice(k, k + 5)
    made.set(inside !== mirrored ? [p, q, r, p, r, s] : [p, r, q, p, s, r], at)
  }
  return made
}
