// Two fingers zoom; NiiVue would take them as scrolling.

export function pinch(canvas, zoom) {
  let apart = 0
  const distance = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY)
  const take = (event) => {
    if (event.touches.length !== 2) {
      apart = 0
      return
    }
    event.preventDefault()
    event.stopImmediatePropagation()
    const now = distance(event.touches)
    if (apart > 0 && now > 0) zoom(now / apart)
    apart = now
  }
  for (const kind of ['touchstart', 'touchmove', 'touchend', 'touchcancel']) {
    canvas.addEventListener(kind, take, { capture: true, passive: false })
  }
}
