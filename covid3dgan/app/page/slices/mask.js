// The mask of a case: the network's scores at a threshold, and what the user changed, which no threshold moves.
// No DOM here: tests run this file by itself.

export const ADDED = 1
export const REMOVED = 2
// What the picture shows of a voxel: nothing, the network's, the user's.
export const NETWORK_COLOUR = 1
export const HAND_COLOUR = 2

export class Mask {
  // scores, hand, lungs: Uint8Array, first axis fastest; middle: the first voxel of the patient's right side.
  constructor({ shape, spacing, middle, scores, hand, lungs, threshold }) {
    Object.assign(this, { shape, spacing, middle, scores, hand, lungs, threshold })
    this.steps = [1, shape[0], shape[0] * shape[1]]
    this.shown = new Uint8Array(scores.length)
    this.done = []
    this.undone = []
    this.stroke = null
    this.paintAll()
  }

  get millilitres() {
    return (this.spacing[0] * this.spacing[1] * this.spacing[2]) / 1000
  }

  setThreshold(threshold) {
    this.threshold = threshold
    this.paintAll()
  }

  paintAll() {
    const { scores, hand, shown, threshold } = this
    for (let i = 0; i < shown.length; i++) {
      shown[i] = hand[i] === 0 ? (scores[i] >= threshold ? NETWORK_COLOUR : 0) : hand[i] === ADDED ? HAND_COLOUR : 0
    }
  }

  // === changes: begin, any number of add, remove and keep, end ===

  begin() {
    this.stroke = { places: [], before: [] }
    this.first = Infinity
    this.last = -1
  }

  // Only what changes the mask is a change: painting on a lesion leaves it the network's.
  add(i) {
    if (!this.shown[i]) this.set(i, ADDED)
  }

  remove(i) {
    if (this.shown[i]) this.set(i, this.scores[i] ? REMOVED : 0)
  }

  // The user's word for it: no threshold takes it away.
  keep(i) {
    if (this.hand[i] !== ADDED) this.set(i, ADDED)
  }

  set(i, value) {
    this.stroke.places.push(i)
    this.stroke.before.push(this.hand[i])
    this.put(i, value)
  }

  put(i, value) {
    this.hand[i] = value
    this.shown[i] = value === 0 ? (this.scores[i] >= this.threshold ? NETWORK_COLOUR : 0) : value === ADDED ? HAND_COLOUR : 0
    const slice = Math.floor(i / this.steps[2])
    if (slice < this.first) this.first = slice
    if (slice > this.last) this.last = slice
  }

  // Whether anything was changed since begin().
  end() {
    const { places, before } = this.stroke
    this.stroke = null
    if (!places.length) return false
    const after = places.map((i) => this.hand[i])
    this.done.push({ places: Int32Array.from(places), before: Uint8Array.from(before), after: Uint8Array.from(after) })
    this.undone = []
    return true
  }

  // Takes back what was changed since begin(), as if there had been nothing.
  drop() {
    const { places, before } = this.stroke
    this.stroke = null
    this.takeBack(places, before)
  }

  undo() {
    const change = this.done.pop()
    if (!change) return false
    this.takeBack(change.places, change.before)
    this.undone.push(change)
    return true
  }

  takeBack(places, before) {
    this.first = Infinity
    this.last = -1
    for (let at = places.length - 1; at >= 0; at--) this.put(places[at], before[at])
  }

  redo() {
    const change = this.undone.pop()
    if (!change) return false
    this.first = Infinity
    this.last = -1
    change.places.forEach((i, at) => this.put(i, change.after[at]))
    this.done.push(change)
    return true
  }

  // === tools ===

  // A disc in the plane across `axis`, or a ball where axis is null; radius in mm, centre in voxels.
  brush(centre, radius, axis, erase) {
    const reach = this.spacing.map((step, a) => (a === axis ? 0 : Math.floor(radius / step)))
    const from = centre.map((c, a) => Math.max(0, c - reach[a]))
    const to = centre.map((c, a) => Math.min(this.shape[a] - 1, c + reach[a]))
    const square = radius * radius
    for (let z = from[2]; z <= to[2]; z++) for (let y = from[1]; y <= to[1]; y++) for (let x = from[0]; x <= to[0]; x++) {
      const [dx, dy, dz] = [(x - centre[0]) * this.spacing[0], (y - centre[1]) * this.spacing[1], (z - centre[2]) * this.spacing[2]]
      if (dx * dx + dy * dy + dz * dz > square) continue
      const i = x + y * this.steps[1] + z * this.steps[2]
      if (erase) this.remove(i)
      else this.add(i)
    }
  }

  // === numbers ===

  // { right, left, both }: { ml, percent of that lung }, as the server counts them.
  volumes() {
    const { shown, lungs, shape, middle } = this
    const count = { right: [0, 0, 0], left: [0, 0, 0] }
    let i = 0
    for (let row = 0; row < shape[1] * shape[2]; row++) {
      for (let x = 0; x < shape[0]; x++, i++) {
        if (!shown[i] && !lungs[i]) continue
        const side = x >= middle ? count.right : count.left
        if (shown[i]) side[0]++
        if (lungs[i]) side[1]++
        if (shown[i] && lungs[i]) side[2]++
      }
    }
    const both = count.right.map((n, at) => n + count.left[at])
    const said = ([marked, lung, inside]) => ({ ml: marked * this.millilitres, lung: lung * this.millilitres,
      percent: (100 * inside) / Math.max(1, lung) })
    return { right: said(count.right), left: said(count.left), both: said(both) }
  }

  // Lesions: voxels that share a face, an edge or a corner; [{ places, ml, side, centre (voxels) }], the largest first.
  lesions() {
    const { shown, shape, steps, middle } = this
    const seen = new Uint8Array(shown.length)
    const found = []
    const stack = []
    for (let start = 0; start < shown.length; start++) {
      if (!shown[start] || seen[start]) continue
      const places = []
      const sum = [0, 0, 0]
      let right = 0
      seen[start] = 1
      stack.push(start)
      while (stack.length) {
        const i = stack.pop()
        places.push(i)
        const [z, rest] = [Math.floor(i / steps[2]), i % steps[2]]
        const [y, x] = [Math.floor(rest / steps[1]), rest % steps[1]]
        sum[0] += x
        sum[1] += y
        sum[2] += z
        if (x >= middle) right++
        for (let c = Math.max(0, z - 1); c <= Math.min(shape[2] - 1, z + 1); c++) {
          for (let b = Math.max(0, y - 1); b <= Math.min(shape[1] - 1, y + 1); b++) {
            for (let a = Math.max(0, x - 1); a <= Math.min(shape[0] - 1, x + 1); a++) {
              const j = a + b * steps[1] + c * steps[2]
              if (!shown[j] || seen[j]) continue
              seen[j] = 1
              stack.push(j)
            }
          }
        }
      }
      found.push({ places: Int32Array.from(places), ml: places.length * this.millilitres,
        side: right * 2 >= places.length ? 'right' : 'left', centre: sum.map((s) => s / places.length) })
    }
    return found.sort((a, b) => b.ml - a.ml)
  }

  // The voxel of a lesion to show: the one nearest to the middle of its largest slice.
  heart({ places }) {
    const slices = new Map()
    for (const i of places) {
      const z = Math.floor(i / this.steps[2])
      if (!slices.has(z)) slices.set(z, [])
      slices.get(z).push(i)
    }
    const [z, inside] = [...slices].reduce((best, entry) => (entry[1].length > best[1].length ? entry : best))
    const spots = inside.map((i) => [i % this.steps[1], Math.floor((i % this.steps[2]) / this.steps[1])])
    const mean = [0, 1].map((axis) => spots.reduce((sum, spot) => sum + spot[axis], 0) / spots.length)
    const far = (spot) => (spot[0] - mean[0]) ** 2 + (spot[1] - mean[1]) ** 2
    return [...spots.reduce((best, spot) => (far(spot) < far(best) ? spot : best)), z]
  }
}
