// Keeps moving pictures moving: where this machine draws slowly (mostly: without a graphics card), frames that follow
// one another are drawn with half as many points each way, and the last one again in full once it stands still.

const GOAL = 25 // ms from drawing a frame to the next one; a longer way leaves little room above 30 frames a second
const REST = 150 // ms without a frame: it stands still
const SLOW_IN_A_ROW = 3

export class Pace {
  // onChange(coarse): draw so from now on.
  constructor(onChange) {
    Object.assign(this, { onChange, coarse: false, slow: false, row: 0, took: 0, last: -Infinity })
  }

  // To be called as a frame is drawn. now: ms. whole: this frame must not be coarse.
  frame(now, whole = false) {
    const moving = now - this.last - this.took < REST
    this.last = now
    requestAnimationFrame((next) => {
      this.took = next - now
      this.row = this.took > GOAL ? this.row + 1 : 0
      if (this.row >= SLOW_IN_A_ROW) this.slow = true
    })
    this.set(this.slow && moving && !whole)
    clearTimeout(this.timer)
    if (this.coarse) this.timer = setTimeout(() => this.set(false), REST + this.took)
  }

  set(coarse) {
    if (coarse === this.coarse) return
    this.coarse = coarse
    this.onChange(coarse)
  }
}
