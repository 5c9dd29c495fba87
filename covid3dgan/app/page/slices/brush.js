// Mouse, pen and one finger as brush or eraser; NiiVue sees nothing of them while one of these is chosen.

const OTHERS = ['mousedown', 'mousemove', 'mouseup', 'touchstart', 'touchmove', 'touchend', 'contextmenu']

export class Brush {
  // frame: the element around the canvas. onChange(voxel) after each stroke.
  constructor(frame, canvas, onChange) {
    Object.assign(this, { canvas, onChange, tool: 'cross', ball: false, radius: 6, stroke: null })
    for (const kind of OTHERS) {
      frame.addEventListener(kind, (event) => { // two fingers and the right button move the pictures all the same
        if (this.active && !(event.touches?.length > 1) && event.button !== 2 && event.buttons !== 2) event.stopPropagation()
      }, { capture: true })
    }
    frame.addEventListener('pointerdown', (event) => this.down(event), { capture: true })
    frame.addEventListener('pointermove', (event) => this.move(event), { capture: true })
    frame.addEventListener('pointerleave', () => { this.ring.hidden = true })
    this.ring = frame.querySelector('#ring')
    for (const kind of ['pointerup', 'pointercancel']) {
      frame.addEventListener(kind, (event) => this.stroke?.pointer === event.pointerId && this.up(), { capture: true })
    }
  }

  get active() {
    return this.tool === 'brush' || this.tool === 'eraser'
  }

  down(event) {
    if (!this.active || event.button !== 0 || !this.canvas.mask) return
    if (this.stroke) { // a second finger means a gesture, a pen a hand that lies on the picture
      if (event.pointerType !== this.stroke.type && event.pointerType !== 'pen') return
      this.drop()
    }
    const spot = event.isPrimary && this.canvas.under(event)
    if (!spot) return
    event.preventDefault()
    event.target.setPointerCapture?.(event.pointerId)
    this.stroke = { axis: spot.axis, last: spot.voxel, slice: spot.voxel[spot.axis], pointer: event.pointerId,
      type: event.pointerType, erase: this.tool === 'eraser' || event.ctrlKey }
    this.canvas.mask.begin()
    this.dab(spot.voxel)
  }

  // A ring as large as the brush goes with the pointer.
  show(event) {
    const size = this.active && event.isPrimary ? 2 * this.radius * this.canvas.scaleUnder(event) : 0
    this.ring.hidden = !size
    if (!size) return
    const box = this.ring.parentElement.getBoundingClientRect()
    this.ring.style.width = this.ring.style.height = `${size}px`
    this.ring.style.transform = `translate(${event.clientX - box.left - size / 2}px, ${event.clientY - box.top - size / 2}px)`
  }

  move(event) {
    if (this.canvas.mask) this.show(event)
    if (this.stroke?.pointer !== event.pointerId) return
    const spot = this.canvas.under(event)
    if (!spot || spot.axis !== this.stroke.axis) return
    spot.voxel[spot.axis] = this.stroke.slice
    const { mask } = this.canvas
    const from = this.stroke.last
    const length = Math.max(...spot.voxel.map((v, a) => Math.abs(v - from[a]) * mask.spacing[a]))
    const count = Math.max(1, Math.ceil(length / Math.max(this.radius / 2, Math.min(...mask.spacing))))
    for (let n = 1; n <= count; n++) this.dab(from.map((v, a) => Math.round(v + ((spot.voxel[a] - v) * n) / count)))
    this.stroke.last = spot.voxel
  }

  up() {
    if (!this.stroke) return
    const { last } = this.stroke
    this.stroke = null
    if (this.canvas.mask.end()) this.onChange(last)
  }

  // Takes the stroke back.
  drop() {
    const { mask } = this.canvas
    this.stroke = null
    this.ring.hidden = true
    mask.drop()
    this.canvas.upload(mask.first, mask.last)
  }

  dab(voxel) {
    const { mask } = this.canvas
    mask.first = Infinity
    mask.last = -1
    mask.brush(voxel, this.radius, this.ball ? null : this.stroke.axis, this.stroke.erase)
    this.canvas.upload(mask.first, mask.last)
  }

  // One dab at the crosshair, for the keyboard; axis: the plane's normal.
  at(voxel, axis) {
    if (this.stroke) return
    this.stroke = { axis, erase: this.tool === 'eraser' }
    this.canvas.mask.begin()
    this.dab(voxel)
    this.stroke.last = voxel
    this.up()
  }
}
