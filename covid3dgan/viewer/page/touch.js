// Two fingers: apart or together they zoom; both the same way they move. NiiVue would take them as scrolling.

const DECIDES = 8 // pixels until it is clear which of the two is meant
const PER_SLICE = 12 // pixels of the way up or down

// zoom(factor); move({ right, up (pixels), slices }, touch) as both fingers go.
export function pinch(canvas, zoom, move) {
  let gesture = null // { kind, apart, x, y, rest: pixels that were no whole slice }
  const seen = ([a, b]) => ({ apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2 })

  const go = (touches) => {
    const now = seen(touches)
    const [wide, right, up] = [now.apart - gesture.apart, now.x - gesture.x, gesture.y - now.y]
    const way = Math.hypot(right, up)
    if (!gesture.kind && Math.max(Math.abs(wide), way) < DECIDES) return
    gesture.kind ??= move && way > Math.abs(wide) ? 'move' : 'zoom'
    if (gesture.kind === 'zoom' && gesture.apart > 0 && now.apart > 0) zoom(now.apart / gesture.apart)
    const slices = Math.trunc((up + gesture.rest) / PER_SLICE)
    if (gesture.kind === 'move') move({ right, up, slices }, touches[0])
    Object.assign(gesture, now, { rest: up + gesture.rest - slices * PER_SLICE })
  }

  const take = (event) => {
    const { touches, type } = event
    if (type === 'touchstart') gesture = touches.length === 2 ? { kind: null, rest: 0, ...seen(touches) } : null
    const ours = gesture && (touches.length === 2 || type === 'touchmove') // also of the finger that stays longer
    if (ours && type === 'touchmove' && touches.length === 2) go(touches)
    if (!touches.length) gesture = null
    if (!ours) return
    if (event.cancelable) event.preventDefault()
    event.stopImmediatePropagation()
  }
  for (const kind of ['touchstart', 'touchmove', 'touchend', 'touchcancel']) {
    canvas.addEventListener(kind, take, { capture: true, passive: false })
  }
}

// A finger that stays a second, or comes twice, would set NiiVue's own window, and the buttons would not tell.
export function plainTouch(nv) {
  nv.resetBriCon = () => {}
  nv.opts.doubleTouchTimeout = 0
}
