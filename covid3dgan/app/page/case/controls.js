// Buttons, sliders and keys of a CT, and what each of them does.
import { choice, find } from '../../../viewer/page/elements.js'
import { pinch } from '../../../viewer/page/touch.js'

export const WINDOWS = { lung: [-1350, 150], mediastinum: [-160, 240], bone: [-500, 1300] }

export function controls(page) {
  choices(page)
  inputs(page)
}

function choices(page) {
  const { brush, canvas, compare, press } = page
  press.view = choice(find('view'), [['all', 'All', 'All views ( v )'], ['axial', 'Axial', 'Axial ( a )'],
    ['coronal', 'Coronal', 'Coronal ( c )'], ['sagittal', 'Sagittal', 'Sagittal ( s )'], ['3d', '3D', '3D ( d )']], (view) => {
    find('stage').dataset.view = view
    canvas.setView(view)
    window.dispatchEvent(new Event('resize'))
    if (canvas.nv.volumes.length) page.sliceRange()
  })
  press.window = choice(find('window'), [['lung', 'Lung', '-1350 to 150 HU ( w )'],
    ['mediastinum', 'Mediastinum', '-160 to 240 HU ( w )'], ['bone', 'Bone', '-500 to 1300 HU ( w )']], (name) => {
    page.windowName = name
    canvas.setWindow(WINDOWS[name])
    compare.setWindow(WINDOWS[name])
  })
  press.tool = choice(find('tool'), [['cross', 'Crosshair', 'Crosshair ( h )'], ['brush', 'Brush', 'Brush ( b )'],
    ['eraser', 'Eraser', 'Eraser ( e )']], (tool) => {
    brush.tool = tool
    find('stage').dataset.tool = tool
    find('ring').hidden = true
  })
  press.view('all')
  press.window('lung')
  press.tool('cross')
}

function inputs(page) {
  const { brush, canvas, corrections, findings } = page
  const size = () => {
    brush.radius = Number(find('size').value)
    find('size-said').textContent = `${brush.radius} mm`
  }
  find('size').oninput = size
  size()
  find('ball').onclick = () => {
    brush.ball = !brush.ball
    find('ball').setAttribute('aria-pressed', String(brush.ball))
  }
  find('fill').onclick = () => corrections.fill()
  find('undo').onclick = () => corrections.step(true)
  find('redo').onclick = () => corrections.step(false)
  find('threshold').oninput = () => corrections.setThreshold(Number(find('threshold').value))
  find('threshold-reset').onclick = () => corrections.setThreshold(page.entry.about.cut)
  find('opacity').oninput = () => canvas.setMaskOpacity(Number(find('opacity').value))
  find('next-lesion').onclick = () => findings.next(1)
  find('previous-lesion').onclick = () => findings.next(-1)
  find('keep').onclick = () => findings.keep()
  find('delete').onclick = () => findings.remove()
  find('slice').oninput = () => canvas.move(canvas.axis, Number(find('slice').value) - Math.round(canvas.voxel[canvas.axis]))
  for (const name of ['name', 'patient', 'date']) find(name).onchange = () => page.describe({ [name]: find(name).value })
  find('checked').onchange = () => page.describe({ checked: find('checked').checked })
  find('reset-view').onclick = () => reset(page)
  pinch(find('slices'), (factor) => canvas.zoom(factor), (by, touch) => slideOrPan(canvas, by, touch))
  pinch(find('surfaces'), (factor) => page.scene.zoom(factor))
}

// key -> function(event), as keys.js takes it; the words are there.
export function actions(page) {
  const { brush, canvas, corrections, findings, layer, press, scene, seat } = page
  const slice = (sign) => (event) => canvas.move(canvas.axis, sign * (event.shiftKey ? 10 : 1))
  const plane = (at, by) => () => canvas.move([0, 1, 2].filter((axis) => axis !== canvas.axis)[at], by)
  const slide = (id, by) => () => {
    find(id).value = Number(find(id).value) + by
    find(id).oninput()
  }
  const zoom = (factor) => () => {
    canvas.zoom(factor)
    scene.zoom(factor)
  }
  const names = Object.keys(WINDOWS)
  return { ArrowUp: slice(1), ArrowDown: slice(-1), PageUp: slice(10), PageDown: slice(-10), ArrowLeft: () => scene.turn(-10, 0),
    ArrowRight: () => scene.turn(10, 0), i: plane(1, 1), k: plane(1, -1), j: plane(0, -1), l: plane(0, 1),
    a: () => press.view('axial'), c: () => press.view('coronal'), s: () => press.view('sagittal'), d: () => press.view('3d'),
    v: () => press.view('all'), w: () => press.window(names[(names.indexOf(page.windowName) + 1) % names.length]),
    n: () => findings.next(1), N: () => findings.next(-1), y: () => findings.keep(), x: () => findings.remove(),
    '[': () => corrections.setThreshold(page.mask.threshold - 3), ']': () => corrections.setThreshold(page.mask.threshold + 3),
    m: () => canvas.setMaskOpacity(canvas.opacity ? 0 : Number(find('opacity').value) || 0.5),
    o: () => layer.toggle('scores'), p: () => layer.toggle('healthy'), b: () => seat.mine && press.tool('brush'),
    e: () => seat.mine && press.tool('eraser'), h: () => press.tool('cross'), ',': slide('size', -1), '.': slide('size', 1),
    g: () => find('ball').click(), f: () => corrections.fill(), u: () => corrections.step(true), U: () => corrections.step(false),
    'ctrl+z': () => corrections.step(true), 'ctrl+y': () => corrections.step(false), 'ctrl+Z': () => corrections.step(false),
    ' ': () => seat.mine && brush.active && brush.at(canvas.voxel.slice(), canvas.axis),
    '+': zoom(1.2), '=': zoom(1.2), '-': zoom(1 / 1.2), r: () => reset(page) }
}

function reset({ canvas, scene }) {
  canvas.whole()
  scene.reset()
}

// Two fingers that move: zoomed pictures go with them, whole ones show other slices.
function slideOrPan(canvas, { right, up, slices }, touch) {
  if (canvas.zoomed) canvas.pan(right, up, touch)
  else if (slices) canvas.move(canvas.axis, slices)
}
