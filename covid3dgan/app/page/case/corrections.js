// What the user changes of the mask: threshold, strokes, filling, undo; each change is drawn, saved and counted.
import { fillBetween } from '../slices/fill.js'
import { find } from '../../../viewer/page/elements.js'

export class Corrections {
  constructor(page) {
    this.page = page
  }

  // Whether this tab may change anything now: not in the middle of a stroke.
  get open() {
    return this.page.seat.mine && Boolean(this.page.mask) && !this.page.mask.stroke
  }

  edited() {
    const { canvas, mask } = this.page
    canvas.upload(mask.first, mask.last)
    this.page.keeper.changed()
    this.page.findings.soon()
  }

  // Runs work(mask) as one change; says so where it changed nothing.
  change(work, nothing) {
    if (!this.open) return
    const { mask } = this.page
    mask.begin()
    work(mask)
    if (mask.end()) this.edited()
    else if (nothing) this.page.hint(nothing)
  }

  // Undoes, or redoes.
  step(back) {
    if (!this.open) return
    const { mask } = this.page
    if (back ? mask.undo() : mask.redo()) this.edited()
    else this.page.hint(back ? 'Nothing to undo.' : 'Nothing to redo.')
  }

  setThreshold(value) {
    if (!this.open) return
    const { canvas, mask } = this.page
    const threshold = Math.min(255, Math.max(1, value))
    find('threshold').value = threshold
    mask.setThreshold(threshold)
    canvas.upload(0, mask.shape[2] - 1)
    this.sayThreshold()
    this.page.keeper.changed()
    this.page.findings.soon()
  }

  sayThreshold() {
    const value = Number(find('threshold').value)
    find('threshold-said').textContent = `${(value / 255).toFixed(2)}${value === this.page.entry.about.cut ? ' (network)' : ''}`
  }

  fill() {
    const { canvas } = this.page
    const { axis } = canvas
    this.change((mask) => fillBetween(mask, axis, canvas.voxel[axis]),
      'Paint the lesion in two slices first, with slices between them.')
  }
}
